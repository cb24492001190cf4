import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.FeatureMetadata;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.quota.ClientQuotaFilter;

/** The cluster as a whole, and the questions that belong to Apache Kafka's own machinery. */
final class ClusterQuestions {
    private static final TopicPartition PARTITION = new TopicPartition("d-records", 0);

    private ClusterQuestions() {
    }

    static void ask(Admin admin, int broker) {
        Probe.step("the cluster", () -> {
            DescribeClusterResult cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
            return Probe.facts("id length", cluster.clusterId().get().length(), "nodes", cluster.nodes().get().size(),
                "controller", cluster.controller().get().id(), "rack", "" + cluster.controller().get().rack(),
                "fenced", cluster.nodes().get().iterator().next().isFenced(),
                "operations", Probe.sorted(cluster.authorizedOperations().get()));
        });
        Probe.step("features", () -> {
            FeatureMetadata features = admin.describeFeatures().featureMetadata().get();
            Map<String, String> ranges = new TreeMap<>();
            features.finalizedFeatures().forEach((name, range) -> ranges.put("finalized " + name, range.toString()));
            features.supportedFeatures().forEach((name, range) -> ranges.put("supported " + name, range.toString()));
            return ranges;
        });
        Probe.step("log folders", () -> {
            Map<String, LogDirDescription> folders = admin.describeLogDirs(List.of(broker)).allDescriptions().get().get(broker);
            LogDirDescription folder = folders.values().iterator().next();
            return Probe.facts("folders", folders.size(), "error", "" + folder.error(),
                "replicas", Probe.sorted(folder.replicaInfos().keySet().stream().filter(one -> !one.topic().startsWith("__")).toList()),
                "total bytes known", folder.totalBytes().isPresent(), "usable bytes known", folder.usableBytes().isPresent(),
                "bytes of d-append-time", folder.replicaInfos().get(new TopicPartition("d-append-time", 0)).size() > 0,
                "bytes of d-records, whose records are deleted", folder.replicaInfos().get(PARTITION).size() > 0,
                "lag of d-records", folder.replicaInfos().get(PARTITION).offsetLag());
        });
        Probe.step("log folder of a replica", () -> {
            TopicPartitionReplica replica = new TopicPartitionReplica("d-records", 0, broker);
            return admin.describeReplicaLogDirs(List.of(replica)).all().get().get(replica).getCurrentReplicaLogDir() != null;
        });
        Probe.step("the quorum", () -> Probe.facts("leader", admin.describeMetadataQuorum().quorumInfo().get().leaderId()));
        Probe.step("quotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().size());
        Probe.step("access rules", () -> admin.describeAcls(AclBindingFilter.ANY).values().get().size());
        Probe.step("scram users", () -> admin.describeUserScramCredentials().all().get().size());
        Probe.step("delegation tokens", () -> admin.describeDelegationToken().delegationTokens().get().size());
        Probe.step("transactions", () -> admin.listTransactions().all().get().size());
        Probe.step("an unknown transaction", () -> "" + admin.describeTransactions(List.of("no-such-id")).all().get());
        Probe.step("reassignments", () -> admin.listPartitionReassignments().reassignments().get().size());
        Probe.step("cancel a reassignment", () -> Probe.each(admin.alterPartitionReassignments(Map.of(PARTITION, Optional.empty())).values(), v -> v));
        Probe.step("reassign to an unknown broker", () -> Probe.each(admin.alterPartitionReassignments(
            Map.of(PARTITION, Optional.of(new NewPartitionReassignment(List.of(broker + 7))))).values(), v -> v));
        Probe.step("elect the preferred leader", () -> "" + admin.electLeaders(ElectionType.PREFERRED, Set.of(PARTITION)).partitions().get().get(PARTITION));
        Probe.step("unregister an unknown broker", () -> "" + admin.unregisterBroker(broker + 7).all().get());
    }
}
