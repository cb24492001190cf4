package io.kafscale.examples.spark;

import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Something to count: `make seed`. Records about orders, every fourth with a header, every fifth without a key. */
public final class SampleRecords {
    private SampleRecords() {
    }

    public static void main(String[] arguments) {
        Settings settings = Settings.of(arguments, System.getenv());
        String topic = settings.text("topic");
        int count = settings.count("seed.count");
        try (Producer<String, String> producer =
                 new KafkaProducer<>(config(settings), new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < count; i++) {
                producer.send(record(topic, i));
            }
        }
        System.out.println("Wrote " + count + " records to " + topic);
    }

    private static Properties config(Settings settings) {
        Properties config = settings.client();
        if (!settings.text("seed.idempotence").isEmpty()) {
            config.put("enable.idempotence", settings.truth("seed.idempotence"));
        }
        return config;
    }

    private static ProducerRecord<String, String> record(String topic, int i) {
        String key = i % 5 == 4 ? null : "order-" + i;
        ProducerRecord<String, String> record = new ProducerRecord<>(topic, key, i % 2 == 0 ? "one widget" : "two gadgets");
        if (i % 4 == 0) {
            record.headers().add("authorization", "secret".getBytes(StandardCharsets.UTF_8));
        }
        return record;
    }
}
