package io.kafscale.examples.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

class OrderBookTest {
    private final OrderBook book = new OrderBook();

    @Test
    void listsTheNewestFirstAndForgetsOldOnes() {
        for (int i = 0; i <= OrderBook.KEPT; i++) {
            book.processed(new Order("id-" + i, "widget", 1), 1, new ConsumerRecord<>("t", 0, i, "key", "value"));
        }
        assertEquals(OrderBook.KEPT, book.orders().size());
        assertEquals("id-" + OrderBook.KEPT, book.orders().get(0).id());
    }

    @Test
    void keepsADeadLetterAsItWas() {
        book.died(new ConsumerRecord<>("t-dlt", 0, 7, "key", "no JSON"), null);
        assertEquals(new OrderBook.DeadLetter("key", "no JSON", "", "t-dlt", 0, 7), book.deadLetters().get(0));
    }
}
