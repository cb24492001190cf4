package io.kafscale.examples.orders;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class WarehouseTest {
    private static void pick(String product, int attempt) {
        Warehouse.pick(new Order("1", product, 1), attempt);
    }

    @Test
    void hasWhatIsOrdered() {
        assertDoesNotThrow(() -> pick("widget", 1));
    }

    @Test
    void hasFlakyThingsAtTheSecondAttempt() {
        assertThrows(IllegalStateException.class, () -> pick("flaky widget", 1));
        assertDoesNotThrow(() -> pick("flaky widget", 2));
    }

    @Test
    void neverHasBrokenThings() {
        assertThrows(IllegalStateException.class, () -> pick("broken widget", OrderListener.ATTEMPTS));
    }
}
