package io.kafscale.examples.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import scala.Tuple2;

class WordsTest {
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Tuple2<String, String> word(String field, String word) {
        return new Tuple2<>(field, word);
    }

    @Test
    void areThoseOfHeaderNamesKeyAndValue() {
        assertEquals(List.of(word("header", "authorization"), word("key", "order"), word("key", "17"),
            word("value", "one"), word("value", "wídget")),
            Words.of(List.of("Authorization"), bytes("order-17"), bytes("One, wídget!")));
    }

    @Test
    void whatIsMissingIsCountedToo() {
        assertEquals(List.of(word("stats", "no-headers"), word("stats", "no-key"), word("stats", "no-value")),
            Words.of(List.of(), null, null));
    }

    @Test
    void headersThatWereNotAskedForAreNotMissing() {
        assertEquals(List.of(), Words.of(null, bytes(""), bytes(" - ")));
    }
}
