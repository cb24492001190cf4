package io.kafscale.examples.flink;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Something to count: `make seed`. Twenty records, of which 12 have a key `order-N`, 9 a `widget` in the value, 5 the
 * header `authorization`, 3 no key and so on; run twice, there is twice as much of everything.
 */
public final class SampleRecords {
    private static final int RECORDS = 20;

    private SampleRecords() {
    }

    public static void main(String[] arguments) {
        Settings settings = Settings.of(arguments, System.getenv());
        String topic = settings.text("topic");
        try (Producer<String, String> producer =
                 new KafkaProducer<>(settings.client(), new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < RECORDS; i++) {
                producer.send(record(topic, i));
            }
        }
        System.out.println("Wrote " + RECORDS + " records to " + topic);
    }

    static ProducerRecord<String, String> record(String topic, int i) {
        ProducerRecord<String, String> record = new ProducerRecord<>(topic, keyOf(i), valueOf(i));
        if (i % 4 == 0) {
            record.headers().add("authorization", "secret".getBytes(StandardCharsets.UTF_8));
        }
        return record;
    }

    private static String keyOf(int i) {
        if (i >= 17) {
            return null;
        }
        return i < 12 ? "order-" + i : "customer-" + i;
    }

    private static String valueOf(int i) {
        if (i == 19) {
            return null;
        }
        return i < 9 ? "one widget" : "some gadgets";
    }
}
