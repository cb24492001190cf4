package io.kafscale.examples.flink;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/**
 * What is counted of a record: the words of its headers' names, of its key and of its value as `header | word`,
 * `key | word`, `value | word`, and what it lacks as `stats | no-key`, `stats | no-headers`, `stats | no-value`.
 * The values of headers are left alone: they are often secrets, or no text.
 */
final class Words {
    private static final Pattern BETWEEN = Pattern.compile("[^\\p{L}\\p{N}_]+");

    private Words() {
    }

    /** @param key   null when the record has none
     *  @param value null when the record has none */
    static List<String> of(Headers headers, byte[] key, byte[] value) {
        List<String> counted = new ArrayList<>();
        boolean any = false;
        for (Header header : headers) {
            any = true;
            add(counted, "header", header.key());
        }
        if (!any) {
            counted.add("stats | no-headers");
        }
        addText(counted, "key", key);
        addText(counted, "value", value);
        return counted;
    }

    private static void addText(List<String> counted, String field, byte[] bytes) {
        if (bytes == null) {
            counted.add("stats | no-" + field);
        } else {
            add(counted, field, new String(bytes, StandardCharsets.UTF_8));
        }
    }

    private static void add(List<String> counted, String field, String text) {
        for (String word : BETWEEN.split(text.toLowerCase(Locale.ROOT))) {
            if (!word.isEmpty()) {
                counted.add(field + " | " + word);
            }
        }
    }
}
