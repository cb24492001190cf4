package io.kafscale.examples.orders;

/** Stands for the work that an order causes, and fails on purpose so that retries and dead letters can be watched. */
final class Warehouse {
    private Warehouse() {
    }

    /**
     * `flaky...` is out of reach at the first attempt, `broken...` always; everything else is there.
     *
     * @param attempt from 1 on
     * @throws IllegalStateException when the product cannot be had
     */
    static void pick(Order order, int attempt) {
        boolean missing = order.product().startsWith("broken") || order.product().startsWith("flaky") && attempt == 1;
        if (missing) {
            throw new IllegalStateException("no " + order.product() + " at attempt " + attempt);
        }
    }
}
