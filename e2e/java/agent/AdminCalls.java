import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ConsumerGroupListing;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;

/** What the Java client's Admin does. */
final class AdminCalls implements AutoCloseable {
    private final Admin admin;

    AdminCalls(Properties base, Map<String, Agent.Call> calls) {
        admin = Admin.create(base);
        calls.put("commit", this::commit);
        calls.put("committed", this::committed);
        calls.put("createTopic", this::createTopic);
        calls.put("topics", args -> admin.listTopics().names().get());
        calls.put("describeTopic", this::describeTopic);
        calls.put("growTopic", this::growTopic);
        calls.put("deleteTopic", args -> admin.deleteTopics(List.of(args.get("topic").asText())).all().get());
        calls.put("topicConfigs", this::topicConfigs);
        calls.put("setTopicConfigs", this::setTopicConfigs);
        calls.put("deleteRecords", this::deleteRecords);
        calls.put("groups", args -> admin.listConsumerGroups().all().get().stream()
            .map(ConsumerGroupListing::groupId).toList());
        calls.put("describeGroup", this::describeGroup);
        calls.put("deleteGroup", args -> admin.deleteConsumerGroups(List.of(args.get("group").asText())).all().get());
    }

    @Override
    public void close() {
        admin.close();
    }

    private Object commit(JsonNode args) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        Json.offsets(args.get("topic").asText(), args.get("offsets"))
            .forEach((partition, offset) -> offsets.put(partition, new OffsetAndMetadata(offset)));
        return admin.alterConsumerGroupOffsets(args.get("group").asText(), offsets).all().get();
    }

    private Object committed(JsonNode args) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> found =
            admin.listConsumerGroupOffsets(args.get("group").asText()).partitionsToOffsetAndMetadata().get();
        List<Object> places = new ArrayList<>();
        for (TopicPartition partition : Json.partitions(args)) {
            OffsetAndMetadata at = found.get(partition);
            places.add(Json.place(partition.partition(), at == null ? null : at.offset()));
        }
        return places;
    }

    private Object createTopic(JsonNode args) throws Exception {
        NewTopic topic = new NewTopic(args.get("topic").asText(), Optional.of(args.get("partitions").asInt()),
            Optional.empty());
        return admin.createTopics(List.of(topic.configs(Json.strings(args.get("configs"))))).all().get();
    }

    private Object describeTopic(JsonNode args) throws Exception {
        String topic = args.get("topic").asText();
        List<Object> partitions = new ArrayList<>();
        for (TopicPartitionInfo one : admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions()) {
            partitions.add(Map.of("partition", one.partition(), "leader", one.leader().id(),
                "replicas", ids(one.replicas()), "isr", ids(one.isr())));
        }
        return partitions;
    }

    private Object growTopic(JsonNode args) throws Exception {
        NewPartitions partitions = NewPartitions.increaseTo(args.get("partitions").asInt());
        return admin.createPartitions(Map.of(args.get("topic").asText(), partitions)).all().get();
    }

    private Object topicConfigs(JsonNode args) throws Exception {
        ConfigResource resource = topicResource(args);
        Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        Map<String, String> values = new TreeMap<>();
        for (ConfigEntry entry : config.entries()) {
            values.put(entry.name(), entry.value());
        }
        return values;
    }

    private Object setTopicConfigs(JsonNode args) throws Exception {
        List<AlterConfigOp> changes = new ArrayList<>();
        Json.strings(args.get("configs")).forEach((name, value) ->
            changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
        return admin.incrementalAlterConfigs(Map.of(topicResource(args), changes)).all().get();
    }

    private Object deleteRecords(JsonNode args) throws Exception {
        Map<TopicPartition, RecordsToDelete> before = new HashMap<>();
        Json.offsets(args.get("topic").asText(), args.get("before"))
            .forEach((partition, offset) -> before.put(partition, RecordsToDelete.beforeOffset(offset)));
        return admin.deleteRecords(before).all().get();
    }

    private Object describeGroup(JsonNode args) throws Exception {
        String group = args.get("group").asText();
        ConsumerGroupDescription found = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        List<Object> members = new ArrayList<>();
        for (MemberDescription member : found.members()) {
            members.add(Map.of("clientId", member.clientId(),
                "partitions", member.assignment().topicPartitions().stream().map(TopicPartition::partition).toList()));
        }
        String state = found.state().toString().toUpperCase(Locale.ROOT);
        return Map.of("state", state, "members", members);
    }

    private static ConfigResource topicResource(JsonNode args) {
        return new ConfigResource(ConfigResource.Type.TOPIC, args.get("topic").asText());
    }

    private static List<Integer> ids(List<Node> nodes) {
        return nodes.stream().map(Node::id).toList();
    }
}
