import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Producers with default settings, each sending a record every 10 ms, and the longest time that each of them was without
 * an acknowledgement. Arguments: bootstrap servers, topic, number of producers. Lines on standard input: "leaders" prints
 * the port of the broker that each producer writes to, "start" begins the measurement, "report" prints "LONGEST_MS ERRORS" of each.
 * After each answer comes the line "done".
 */
public final class Gaps {
    private static final long EVERY_MS = 10;

    private Gaps() {
    }

    public static void main(String[] arguments) throws Exception {
        List<Sender> senders = new ArrayList<>();
        for (int index = 0; index < Integer.parseInt(arguments[2]); index++) {
            senders.add(new Sender(arguments[0], arguments[1], "bench-" + index));
        }
        for (Sender sender : senders) {
            sender.awaitFirst();
        }
        System.out.println("ready");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.equals("leaders")) {
                senders.forEach(sender -> System.out.println(sender.leader()));
            } else if (line.equals("start")) {
                senders.forEach(Sender::start);
            } else {
                senders.forEach(sender -> System.out.println(sender.report()));
            }
            System.out.println("done");
        }
        Runtime.getRuntime().halt(0);
    }

    private static final class Sender {
        private final KafkaProducer<byte[], byte[]> producer;
        private final String topic;
        private long lastAck;
        private long longest;
        private int acks;
        private int errors;

        Sender(String bootstrap, String topic, String clientId) {
            Properties settings = new Properties();
            settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
            settings.put(ProducerConfig.CLIENT_ID_CONFIG, clientId);
            this.topic = topic;
            this.producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
            Thread thread = new Thread(this::send, clientId);
            thread.setDaemon(true);
            thread.start();
        }

        int leader() {
            return producer.partitionsFor(topic).get(0).leader().port();
        }

        private void send() {
            try {
                for (;;) {
                    producer.send(new ProducerRecord<>(topic, new byte[100]), (metadata, error) -> acknowledged(error));
                    Thread.sleep(EVERY_MS);
                }
            } catch (InterruptedException end) {
                Thread.currentThread().interrupt();
            }
        }

        private synchronized void acknowledged(Exception error) {
            if (error != null) {
                errors++;
                return;
            }
            long now = System.nanoTime();
            longest = Math.max(longest, now - lastAck);
            lastAck = now;
            acks++;
            notifyAll();
        }

        synchronized void awaitFirst() throws InterruptedException {
            while (acks < 100) {
                wait();
            }
        }

        synchronized void start() {
            longest = 0;
            errors = 0;
        }

        synchronized String report() {
            return Math.max(longest, System.nanoTime() - lastAck) / 1_000_000 + " " + errors;
        }
    }
}
