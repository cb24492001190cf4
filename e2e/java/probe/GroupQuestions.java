import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Groups: members, offsets, and what is refused about them. */
final class GroupQuestions {
    private static final TopicPartition PARTITION = new TopicPartition("d-records", 0);

    private GroupQuestions() {
    }

    static void ask(Admin admin, String bootstrap) {
        listed(admin, "no groups");
        described(admin, "no-such-group");
        committed(admin, "no-such-group", PARTITION);
        altered(admin, "g-admin", PARTITION, new OffsetAndMetadata(3, "a note"));
        altered(admin, "g-admin", new TopicPartition("no-such-topic", 0), new OffsetAndMetadata(3));
        altered(admin, "g-admin", new TopicPartition("d-records", 9), new OffsetAndMetadata(3));
        altered(admin, "g-admin", PARTITION, new OffsetAndMetadata(4, "x".repeat(5000)));
        altered(admin, "", PARTITION, new OffsetAndMetadata(4));
        committed(admin, "g-admin", PARTITION);
        committed(admin, "g-admin", new TopicPartition("d-1", 1));
        described(admin, "g-admin");
        listed(admin, "groups after a commit by the admin");

        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", "g-member",
            "auto.offset.reset", "earliest", "client.id", "probe", "group.instance.id", "static-1",
            // No heartbeat of its own tells the fenced member of its fate before its commit does.
            "heartbeat.interval.ms", "44000"));
        try (KafkaConsumer<String, String> member = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            member.subscribe(List.of("d-records"));
            Probe.step("a member reads", () -> {
                int read = 0;
                for (int polls = 0; polls < 40 && read == 0; polls++) {
                    read += member.poll(Duration.ofMillis(250)).count();
                }
                return read > 0;
            });
            described(admin, "g-member");
            listed(admin, "groups with a member");
            altered(admin, "g-member", PARTITION, new OffsetAndMetadata(1));
            deletedOffsets(admin, "g-member", "d-records");
            deletedOffsets(admin, "g-member", "d-1");
            deleted(admin, "g-member");
            Probe.step("another member of the same instance", () -> {
                try (KafkaConsumer<String, String> other = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
                    other.subscribe(List.of("d-records"));
                    for (int polls = 0; polls < 40 && other.assignment().isEmpty(); polls++) {
                        other.poll(Duration.ofMillis(250));
                    }
                    return Probe.sorted(other.assignment());
                }
            });
            Probe.step("the fenced member commits", () -> {
                member.commitSync(Map.of(PARTITION, new OffsetAndMetadata(2)), Duration.ofSeconds(5));
                return "done";
            });
        }
        Probe.step("remove an unknown instance", () -> Probe.each(Map.of("static-9", admin.removeMembersFromConsumerGroup("g-member",
            new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("static-9")))).memberResult(new MemberToRemove("static-9"))), v -> v));
        Probe.step("remove the instance", () -> Probe.each(Map.of("static-1", admin.removeMembersFromConsumerGroup("g-member",
            new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("static-1")))).memberResult(new MemberToRemove("static-1"))), v -> v));
        described(admin, "g-member");
        joined(bootstrap, "a session time-out below the least", Map.of("session.timeout.ms", 10, "heartbeat.interval.ms", 5));
        joined(bootstrap, "a session time-out above the most", Map.of("session.timeout.ms", 3_600_000));
        joined(bootstrap, "an empty group id", Map.of("group.id", ""));
        deletedOffsets(admin, "g-admin", "d-records");
        deletedOffsets(admin, "g-admin", "no-such-topic");
        deletedOffsets(admin, "no-such-group", "d-records");
        deleted(admin, "g-admin");
        deleted(admin, "");
        deleted(admin, "no-such-group");
        Probe.step("offsets of a deleted topic are gone", () -> {
            admin.createTopics(List.of(TopicQuestions.topic("d-gone", 1))).all().get();
            TopicPartition gone = new TopicPartition("d-gone", 0);
            Probe.each(Map.of("g", admin.alterConsumerGroupOffsets("g-gone", Map.of(gone, new OffsetAndMetadata(0))).all()), v -> v);
            admin.deleteTopics(List.of("d-gone")).all().get();
            for (int polls = 0; polls < 50; polls++) {
                if (!admin.listConsumerGroupOffsets("g-gone").partitionsToOffsetAndMetadata().get().containsKey(gone)) {
                    return true;
                }
                Thread.sleep(100);
            }
            return false;
        });
    }

    private static void listed(Admin admin, String what) {
        Probe.step("list " + what, () -> Probe.sorted(admin.listGroups().all().get().stream()
            .map(one -> one.groupId() + " " + one.type() + " " + one.protocol() + " " + one.groupState()).toList()));
        Probe.step("list stable ones: " + what, () -> Probe.sorted(admin.listGroups(
            new ListGroupsOptions().inGroupStates(Set.of(GroupState.STABLE))).all().get().stream().map(one -> one.groupId()).toList()));
    }

    private static void described(Admin admin, String group) {
        Probe.step("describe group " + group, () -> Probe.each(admin.describeConsumerGroups(List.of(group),
            new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true)).describedGroups(), GroupQuestions::shape));
    }

    private static Object shape(ConsumerGroupDescription group) {
        return Probe.facts("id", group.groupId(), "simple", group.isSimpleConsumerGroup(), "assignor", group.partitionAssignor(),
            "type", "" + group.type(), "state", "" + group.groupState(), "operations", Probe.sorted(group.authorizedOperations()),
            "members", group.members().stream().map(one -> Probe.facts("instance", "" + one.groupInstanceId(), "client", one.clientId(),
                "host", one.host(), "assignment", Probe.sorted(one.assignment().topicPartitions()))).toList());
    }

    private static void committed(Admin admin, String group, TopicPartition partition) {
        Probe.step("committed by " + group + " on " + partition, () ->
            "" + admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition));
    }

    private static void altered(Admin admin, String group, TopicPartition partition, OffsetAndMetadata offset) {
        String note = offset.metadata().length() > 10 ? " with a long note" : "";
        Probe.step("commit for '" + group + "' on " + partition + note, () -> Probe.each(Map.of(partition,
            admin.alterConsumerGroupOffsets(group, Map.of(partition, offset)).partitionResult(partition)), v -> v));
    }

    private static void deletedOffsets(Admin admin, String group, String topic) {
        TopicPartition partition = new TopicPartition(topic, 0);
        Probe.step("delete offsets of " + group + " on " + topic, () -> Probe.each(Map.of(partition,
            admin.deleteConsumerGroupOffsets(group, new HashSet<>(Set.of(partition))).partitionResult(partition)), v -> v));
    }

    private static void deleted(Admin admin, String group) {
        Probe.step("delete group " + group, () -> Probe.each(admin.deleteConsumerGroups(List.of(group)).deletedGroups(), v -> v));
    }

    private static void joined(String bootstrap, String what, Map<String, Object> changes) {
        Probe.step("join with " + what, () -> {
            Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", "g-join"));
            config.putAll(changes);
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
                consumer.subscribe(List.of("d-records"));
                for (int polls = 0; polls < 20 && consumer.assignment().isEmpty(); polls++) {
                    consumer.poll(Duration.ofMillis(250));
                }
                return Probe.sorted(consumer.assignment());
            }
        });
    }
}
