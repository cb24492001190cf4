package io.kafscale.examples.orders;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.stereotype.Component;

/** The last orders that this instance has processed or given up, newest first; in memory, so a restart forgets them. */
@Component
public class OrderBook {
    static final int KEPT = 50;

    private final Deque<Processed> processed = new ArrayDeque<>();
    private final Deque<DeadLetter> dead = new ArrayDeque<>();

    /** @param attempts how often it was tried until it went well */
    public record Processed(String id, String product, int quantity, int attempts, String topic, int partition,
                            long offset) {
    }

    /** @param value the record's value as it was, whatever that is */
    public record DeadLetter(String key, String value, String reason, String topic, int partition, long offset) {
    }

    synchronized void processed(Order order, int attempts, ConsumerRecord<?, ?> where) {
        keep(processed, new Processed(order.id(), order.product(), order.quantity(), attempts, where.topic(),
            where.partition(), where.offset()));
    }

    synchronized void died(ConsumerRecord<String, String> record, String reason) {
        keep(dead, new DeadLetter(record.key(), record.value(), reason == null ? "" : reason, record.topic(),
            record.partition(), record.offset()));
    }

    public synchronized List<Processed> orders() {
        return new ArrayList<>(processed);
    }

    public synchronized List<DeadLetter> deadLetters() {
        return new ArrayList<>(dead);
    }

    private static <T> void keep(Deque<T> list, T entry) {
        list.addFirst(entry);
        if (list.size() > KEPT) {
            list.removeLast();
        }
    }
}
