package io.kafscale.examples.orders;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.springframework.kafka.KafkaException;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.stereotype.Service;
import tools.jackson.databind.json.JsonMapper;

/** Writes orders to the topic. An order counts as sent when the broker has acknowledged it. */
@Service
public class OrderSender {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final KafkaTemplate<String, String> kafka;
    private final JsonMapper json;
    private final Topics topics;

    public OrderSender(KafkaTemplate<String, String> kafka, JsonMapper json, Topics topics) {
        this.kafka = kafka;
        this.json = json;
        this.topics = topics;
    }

    /** An order and where its record is. */
    public record Sent(String id, String topic, int partition, long offset) {
    }

    /** @throws NotSent when no broker has acknowledged it in time; it may arrive all the same */
    public Sent send(String product, int quantity) {
        Order order = new Order(UUID.randomUUID().toString(), product, quantity);
        try {
            if (!topics.areThere(LIMIT)) {
                throw new TimeoutException("the topics could not be made yet");
            }
            RecordMetadata where = kafka.send(Topics.ORDERS, order.id(), json.writeValueAsString(order))
                .get(LIMIT.toMillis(), TimeUnit.MILLISECONDS).getRecordMetadata();
            return new Sent(order.id(), where.topic(), where.partition(), where.offset());
        } catch (ExecutionException | TimeoutException | KafkaException failure) {
            throw new NotSent(failure);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new NotSent(stopped);
        }
    }

    public static final class NotSent extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotSent(Exception cause) {
            super("The order was not acknowledged: " + Broker.reasonOf(cause), cause);
        }
    }
}
