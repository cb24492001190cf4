package io.kafscale.examples;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A first Kafka application: looks around in the cluster, makes a topic, writes to it and reads back.
 *
 * Nothing here is particular to KafScale; the same program runs against any Kafka. Exit codes: 0 all done, 1 the broker
 * could not be reached or something did not work, 2 wrong options.
 */
public final class JavaClientDemo {
    private final Settings settings;

    private JavaClientDemo(Settings settings) {
        this.settings = settings;
    }

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    private static int run(String[] arguments) {
        Settings settings;
        try {
            settings = Settings.of(arguments, System.getenv());
        } catch (IllegalArgumentException wrong) {
            System.err.println("Wrong options: " + wrong.getMessage());
            System.err.println(Settings.USAGE);
            return 2;
        }
        try {
            new JavaClientDemo(settings).run();
            return 0;
        } catch (DemoFailure failure) {
            System.err.println(failure.getMessage());
        } catch (Exception failure) {
            System.err.println("The demo failed: " + rootOf(failure));
        }
        return 1;
    }

    private void run() throws Exception {
        System.out.printf("Connecting to %s%n", settings.bootstrap());
        try (Admin admin = Admin.create(adminConfig())) {
            showCluster(admin);
            showTopics(admin);
            createTopic(admin);
        }
        produce();
        consume();
    }

    private void showCluster(Admin admin) throws Exception {
        int limit = Math.toIntExact(settings.timeout().toMillis());
        DescribeClusterResult cluster = admin.describeCluster(new DescribeClusterOptions().timeoutMs(limit));
        try {
            cluster.nodes().get();
        } catch (ExecutionException unreachable) {
            throw new DemoFailure(String.format("Cannot reach a Kafka broker at %s within %d ms (%s). Is it running?",
                settings.bootstrap(), limit, rootOf(unreachable)));
        }
        System.out.printf("Cluster id: %s%n", cluster.clusterId().get());
        System.out.printf("Controller: %s%n", shown(cluster.controller().get()));
        for (Node node : cluster.nodes().get()) {
            System.out.printf("Node: %s%n", shown(node));
        }
    }

    private static void showTopics(Admin admin) throws Exception {
        List<String> names = admin.listTopics().names().get().stream().sorted().toList();
        System.out.printf("Topics: %s%n", names.isEmpty() ? "none yet" : String.join(", ", names));
    }

    private void createTopic(Admin admin) throws Exception {
        // One partition; the replication factor is left to the cluster, which keeps the data in an object store.
        NewTopic topic = new NewTopic(settings.topic(), Optional.of(1), Optional.empty());
        try {
            admin.createTopics(List.of(topic)).all().get();
            System.out.printf("Created topic %s%n", settings.topic());
        } catch (ExecutionException failure) {
            if (!(failure.getCause() instanceof TopicExistsException)) {
                throw failure;
            }
            System.out.printf("Topic %s exists already%n", settings.topic());
        }
    }

    private void produce() throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (Producer<String, String> producer = new KafkaProducer<>(producerConfig())) {
            for (int i = 0; i < settings.produceCount(); i++) {
                sent.add(producer.send(new ProducerRecord<>(settings.topic(), "key-" + i, "message-" + i)));
            }
            producer.flush();
            for (int i = 0; i < sent.size(); i++) {
                // With acks=0 nobody tells the offset; the client says -1.
                RecordMetadata where = sent.get(i).get();
                System.out.printf("Sent message: key=key-%d partition=%d offset=%d%n", i, where.partition(),
                    where.offset());
            }
        }
        System.out.printf("Successfully produced %d messages.%n", sent.size());
    }

    private void consume() {
        int read = 0;
        try (Consumer<String, String> consumer = new KafkaConsumer<>(consumerConfig())) {
            consumer.subscribe(List.of(settings.topic()));
            long end = System.nanoTime() + settings.timeout().toNanos();
            while (read < settings.consumeCount() && System.nanoTime() < end) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    if (read == settings.consumeCount()) {
                        break;
                    }
                    System.out.printf("Received message: key=%s value=%s partition=%d offset=%d%n", record.key(),
                        record.value(), record.partition(), record.offset());
                    read++;
                }
            }
        }
        if (read < settings.consumeCount()) {
            throw new DemoFailure(String.format("Only %d of %d messages could be read within %d ms.", read,
                settings.consumeCount(), settings.timeout().toMillis()));
        }
        System.out.printf("Successfully consumed %d messages.%n", read);
    }

    private Map<String, Object> adminConfig() {
        return Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap());
    }

    private Map<String, Object> producerConfig() {
        Map<String, Object> config = new HashMap<>();
        config.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap());
        config.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
        config.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
        settings.acks().ifPresent(acks -> config.put(ProducerConfig.ACKS_CONFIG, acks));
        settings.idempotence().ifPresent(on -> config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, on));
        return config;
    }

    private Map<String, Object> consumerConfig() {
        return Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap(),
            ConsumerConfig.GROUP_ID_CONFIG, settings.group(),
            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
            ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class,
            ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class);
    }

    private static String shown(Node node) {
        return node == null ? "none" : String.format("%s:%d (id %d)", node.host(), node.port(), node.id());
    }

    private static String rootOf(Throwable thrown) {
        Throwable root = thrown;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }

    /** Something went wrong that a sentence explains; a stack trace would not. */
    private static final class DemoFailure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        DemoFailure(String message) {
            super(message);
        }
    }
}
