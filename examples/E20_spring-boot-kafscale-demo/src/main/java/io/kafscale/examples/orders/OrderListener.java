package io.kafscale.examples.orders;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.kafka.annotation.BackOff;
import org.springframework.kafka.annotation.DltHandler;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.retrytopic.SameIntervalTopicReuseStrategy;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Processes orders. One that fails goes to the retry topic and is tried again after a second, so that those behind it do
 * not wait; one that fails three times goes to the dead-letter topic. What is no order at all goes there at once.
 */
@Component
public class OrderListener {
    static final int ATTEMPTS = 3;

    private final OrderBook book;
    private final JsonMapper json;

    public OrderListener(OrderBook book, JsonMapper json) {
        this.book = book;
        this.json = json;
    }

    @RetryableTopic(attempts = "" + ATTEMPTS, backOff = @BackOff(delay = 1000),
        sameIntervalTopicReuseStrategy = SameIntervalTopicReuseStrategy.SINGLE_TOPIC, exclude = JacksonException.class)
    @KafkaListener(topics = Topics.ORDERS)
    public void onOrder(ConsumerRecord<String, String> record,
                        @Header(name = "retry_topic-attempts", required = false) Integer attempt) {
        Order order = json.readValue(record.value(), Order.class);
        int tries = attempt == null ? 1 : attempt;
        Warehouse.pick(order, tries);
        book.processed(order, tries, record);
    }

    @DltHandler
    public void onDeadLetter(ConsumerRecord<String, String> record,
                             @Header(name = KafkaHeaders.EXCEPTION_MESSAGE, required = false) String reason) {
        book.died(record, reason);
    }
}
