package io.kafscale.examples.orders;

/**
 * An order as it travels through the topic, in JSON.
 *
 * @param id       made up by the application; the key of the record
 * @param product  what is ordered
 * @param quantity at least 1
 */
public record Order(String id, String product, int quantity) {
}
