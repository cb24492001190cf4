import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.zip.CRC32C;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Load by Apache's Java client with its default settings, until the end of standard input: a producer and one member of a
 * group. It tells what happens, one line each: `S key partition sequence` sends, `A key partition offset` acknowledged,
 * `P partition offset` the member begins there, `R partition offset key crc` read, `E who message` an error that the
 * library shows its user.
 *
 * Usage: ChaosLoad BOOTSTRAP TOPIC PARTITION,PARTITION NAME
 */
public final class ChaosLoad {
    private static final long PAUSE_MS = 25;
    private static final int REPEATS = 8;
    private static volatile boolean ending;

    private ChaosLoad() {
    }

    public static void main(String[] args) throws Exception {
        int[] partitions = Arrays.stream(args[2].split(",")).mapToInt(Integer::parseInt).toArray();
        Thread producing = new Thread(() -> produce(args[0], args[1], partitions, args[3]));
        KafkaConsumer<String, byte[]> consumer = consumer(args[0], args[3]);
        Thread consuming = new Thread(() -> consume(consumer, args[1]));
        producing.start();
        consuming.start();
        while (System.in.read() >= 0) {
            // Only the end of the input means anything.
        }
        ending = true;
        producing.join();
        consumer.wakeup();
        consuming.join();
    }

    private static void produce(String bootstrap, String topic, int[] partitions, String name) {
        Properties config = new Properties();
        config.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        config.put(ProducerConfig.CLIENT_ID_CONFIG, name);
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (int sequence = 0; !ending; sequence++) {
                int partition = partitions[sequence % partitions.length];
                String key = name + "/" + sequence;
                tell("S " + key + " " + partition + " " + sequence);
                String value = (key + ";").repeat(REPEATS);
                producer.send(new ProducerRecord<>(topic, partition, key, value), (place, error) -> {
                    if (error == null) {
                        tell("A " + key + " " + partition + " " + place.offset());
                    } else {
                        tell("E producer " + key + ": " + error);
                    }
                });
                Thread.sleep(PAUSE_MS);
            }
        } catch (Exception error) {
            tell("E producer " + error);
        }
    }

    private static KafkaConsumer<String, byte[]> consumer(String bootstrap, String name) {
        Properties config = new Properties();
        config.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        config.put(ConsumerConfig.CLIENT_ID_CONFIG, name);
        config.put(ConsumerConfig.GROUP_ID_CONFIG, name);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        return new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
    }

    private static void consume(KafkaConsumer<String, byte[]> consumer, String topic) {
        consumer.subscribe(List.of(topic), new Beginnings(consumer));
        try (consumer) {
            while (!ending) {
                poll(consumer);
            }
        } catch (WakeupException end) {
            // As it was asked to.
        }
    }

    private static void poll(KafkaConsumer<String, byte[]> consumer) {
        try {
            for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                CRC32C crc = new CRC32C();
                crc.update(record.value());
                tell("R " + record.partition() + " " + record.offset() + " " + record.key() + " " + crc.getValue());
            }
        } catch (WakeupException end) {
            throw end;
        } catch (Exception error) {
            tell("E consumer " + error);
        }
    }

    private record Beginnings(KafkaConsumer<String, byte[]> consumer) implements ConsumerRebalanceListener {
        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            for (TopicPartition one : partitions) {
                tell("P " + one.partition() + " " + consumer.position(one));
            }
        }
    }

    private static synchronized void tell(String line) {
        byte[] bytes = (line.replace('\n', ' ') + "\n").getBytes(StandardCharsets.UTF_8);
        System.out.write(bytes, 0, bytes.length);
        System.out.flush();
    }
}
