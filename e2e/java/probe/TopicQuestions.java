import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.CreatePartitionsOptions;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.Uuid;

/** Creating, describing, growing and deleting topics, and everything that is refused about it. */
final class TopicQuestions {
    private TopicQuestions() {
    }

    static void ask(Admin admin, int broker) {
        created(admin, "topic with configs", topic("d-1", 3).configs(Map.of("retention.ms", "3600000")));
        created(admin, "topic with defaults", new NewTopic("d-defaults", Optional.empty(), Optional.empty()));
        created(admin, "topic with an assignment", new NewTopic("d-assigned", Map.of(0, List.of(broker))));
        created(admin, "compacted topic", topic("d-compacted", 1).configs(Map.of("cleanup.policy", "compact")));
        created(admin, "topic that exists", topic("d-1", 1));
        created(admin, "topic whose name collides", topic("d_1.x", 1));
        created(admin, "topic whose name collides with the last", topic("d.1_x", 1));
        for (String name : List.of("", ".", "..", "a/b", "ü", "a b", "x".repeat(249), "x".repeat(250))) {
            created(admin, "topic named " + (name.length() > 10 ? name.length() + " x" : "'" + name + "'"), topic(name, 1));
        }
        created(admin, "topic with 0 partitions", topic("d-0", 0));
        created(admin, "topic with -2 partitions", topic("d-0", -2));
        created(admin, "topic with replication factor 0", new NewTopic("d-0", 1, (short) 0));
        created(admin, "topic with replication factor 3", new NewTopic("d-copies", 1, (short) 3));
        removed(admin, "d-copies");
        created(admin, "topic assigned to an unknown broker", new NewTopic("d-0", Map.of(0, List.of(broker + 7))));
        created(admin, "topic assigned to a broker twice", new NewTopic("d-0", Map.of(0, List.of(broker, broker))));
        created(admin, "topic with a gap in its assignment", new NewTopic("d-0", Map.of(1, List.of(broker))));
        created(admin, "topic with an unknown config", topic("d-0", 1).configs(Map.of("no.such", "1")));
        created(admin, "topic with a wrong config value", topic("d-0", 1).configs(Map.of("retention.ms", "many")));
        created(admin, "topic with a config out of range", topic("d-0", 1).configs(Map.of("segment.bytes", "-5")));
        Map<String, String> nothing = new HashMap<>();
        nothing.put("retention.ms", null);
        created(admin, "topic with a null config", topic("d-0", 1).configs(nothing));
        Probe.step("validate a good topic", () -> Probe.each(admin.createTopics(List.of(topic("d-0", 2)), validateOnly()).values(), v -> v));
        Probe.step("validate a topic that exists", () -> Probe.each(admin.createTopics(List.of(topic("d-1", 2)), validateOnly()).values(), v -> v));
        Probe.step("list topics", () -> Probe.sorted(admin.listTopics().names().get()));
        Probe.step("list topics with internal ones", () -> Probe.sorted(admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get()));

        described(admin, "d-1");
        described(admin, "d-defaults");
        described(admin, "no-such-topic");
        described(admin, "in/valid");
        Probe.step("describe an unknown topic id", () -> Probe.each(
            admin.describeTopics(TopicCollection.ofTopicIds(List.of(new Uuid(1, 2)))).topicIdValues(), TopicQuestions::shape));
        Probe.step("describe a topic by id", () -> {
            Uuid id = admin.describeTopics(List.of("d-1")).allTopicNames().get().get("d-1").topicId();
            return shape(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id));
        });

        grown(admin, "validate 5 partitions", "d-1", NewPartitions.increaseTo(5), true);
        described(admin, "d-1");
        grown(admin, "grow to 5 partitions", "d-1", NewPartitions.increaseTo(5), false);
        described(admin, "d-1");
        grown(admin, "grow to the same number", "d-1", NewPartitions.increaseTo(5), false);
        grown(admin, "grow to fewer", "d-1", NewPartitions.increaseTo(2), false);
        grown(admin, "grow to 0", "d-1", NewPartitions.increaseTo(0), false);
        grown(admin, "grow an unknown topic", "no-such-topic", NewPartitions.increaseTo(2), false);
        grown(admin, "grow with an assignment", "d-assigned", NewPartitions.increaseTo(2, List.of(List.of(broker))), false);
        grown(admin, "grow with a short assignment", "d-assigned", NewPartitions.increaseTo(4, List.of(List.of(broker))), false);
        grown(admin, "grow with an unknown broker", "d-assigned", NewPartitions.increaseTo(3, List.of(List.of(broker + 7))), false);

        Probe.step("delete a topic", () -> Probe.each(admin.deleteTopics(List.of("d-assigned")).topicNameValues(), v -> v));
        Probe.step("delete an unknown topic", () -> Probe.each(admin.deleteTopics(List.of("d-assigned")).topicNameValues(), v -> v));
        Probe.step("delete an unknown topic id", () -> Probe.each(
            admin.deleteTopics(TopicCollection.ofTopicIds(List.of(new Uuid(1, 2)))).topicIdValues(), v -> v));
        Probe.step("a topic made again has another id", () -> {
            List<NewTopic> again = List.of(topic("d-again", 1));
            Uuid before = admin.createTopics(again).topicId("d-again").get();
            admin.deleteTopics(List.of("d-again")).all().get();
            return !before.equals(admin.createTopics(again).topicId("d-again").get());
        });
    }

    static NewTopic topic(String name, int partitions) {
        return new NewTopic(name, Optional.of(partitions), Optional.empty());
    }

    private static void created(Admin admin, String what, NewTopic topic) {
        Probe.step("create a " + what, () -> {
            CreateTopicsResult result = admin.createTopics(List.of(topic));
            result.all().get();
            untilSeen(admin, topic.name(), result.numPartitions(topic.name()).get());
            return Probe.facts("partitions", result.numPartitions(topic.name()).get(),
                "replicationFactor", result.replicationFactor(topic.name()).get(),
                "configs", ConfigQuestions.shape(result.config(topic.name()).get(), false));
        });
    }

    /** Whether it was there is no question, but it must not be in the answers to later ones. */
    private static void removed(Admin admin, String topic) {
        try {
            admin.deleteTopics(List.of(topic)).all().get();
        } catch (ExecutionException | InterruptedException notThere) {
            // It was refused before.
        }
    }

    private static void described(Admin admin, String topic) {
        Probe.step("describe " + topic, () -> Probe.each(admin.describeTopics(List.of(topic),
            new DescribeTopicsOptions().includeAuthorizedOperations(true)).topicNameValues(), TopicQuestions::shape));
    }

    private static void grown(Admin admin, String what, String topic, NewPartitions partitions, boolean validateOnly) {
        Probe.step(what, () -> {
            Map<String, Object> outcome = Probe.each(admin.createPartitions(Map.of(topic, partitions),
                new CreatePartitionsOptions().validateOnly(validateOnly)).values(), v -> v);
            if (!validateOnly && outcome.containsValue("done")) {
                untilSeen(admin, topic, partitions.totalCount());
            }
            return outcome;
        });
    }

    /** Apache Kafka answers when the controller has decided; its brokers learn it a moment later. */
    private static void untilSeen(Admin admin, String topic, int partitions) throws InterruptedException {
        for (int patience = 100; patience > 0; patience--) {
            try {
                TopicDescription seen = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
                if (seen.partitions().size() == partitions && seen.partitions().stream().noneMatch(one -> one.leader() == null)) {
                    return;
                }
            } catch (ExecutionException notYet) {
                // It does not exist there yet.
            }
            Thread.sleep(50);
        }
    }

    private static Object shape(TopicDescription topic) {
        return Probe.facts("name", topic.name(), "internal", topic.isInternal(),
            "operations", Probe.sorted(topic.authorizedOperations()),
            "partitions", topic.partitions().stream().map(one -> Probe.facts("partition", one.partition(),
                "leader", one.leader() == null ? null : one.leader().id(), "replicas", Probe.ids(one.replicas()),
                "isr", Probe.ids(one.isr()), "elr", one.elr() == null ? null : Probe.ids(one.elr()))).toList());
    }

    private static CreateTopicsOptions validateOnly() {
        return new CreateTopicsOptions().validateOnly(true);
    }
}
