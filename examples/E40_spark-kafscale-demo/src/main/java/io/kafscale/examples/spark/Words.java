package io.kafscale.examples.spark;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import scala.Tuple2;

/**
 * What is counted of a record, as pairs of field and word: the words of its headers' names (`header`), of its key (`key`)
 * and of its value (`value`), and what it lacks (`stats`, `no-key`, `no-headers`, `no-value`).
 * The values of headers are left alone: they are often secrets, or no text.
 */
final class Words {
    private static final Pattern BETWEEN = Pattern.compile("[^\\p{L}\\p{N}_]+");

    private Words() {
    }

    /**
     * @param headers names; null when they were not asked for
     * @param key     null when the record has none
     * @param value   null when the record has none
     */
    static List<Tuple2<String, String>> of(List<String> headers, byte[] key, byte[] value) {
        List<Tuple2<String, String>> counted = new ArrayList<>();
        if (headers != null) {
            headers.forEach(name -> add(counted, "header", name));
            if (headers.isEmpty()) {
                counted.add(new Tuple2<>("stats", "no-headers"));
            }
        }
        addText(counted, "key", key);
        addText(counted, "value", value);
        return counted;
    }

    private static void addText(List<Tuple2<String, String>> counted, String field, byte[] bytes) {
        if (bytes == null) {
            counted.add(new Tuple2<>("stats", "no-" + field));
        } else {
            add(counted, field, new String(bytes, StandardCharsets.UTF_8));
        }
    }

    private static void add(List<Tuple2<String, String>> counted, String field, String text) {
        for (String word : BETWEEN.split(text.toLowerCase(Locale.ROOT))) {
            if (!word.isEmpty()) {
                counted.add(new Tuple2<>(field, word));
            }
        }
    }
}
