package io.kafscale.examples.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class DataLossTest {
    private static final String SAID = "Partition demo-topic-1-0's offset was changed from 78 to 0";

    private static Optional<String> said(String message) {
        return DataLoss.in(new RuntimeException("the query failed", new IllegalStateException(message)));
    }

    @Test
    void namesThePartitionAndBothOffsets() {
        assertEquals(Optional.of(SAID),
            said("Reason: Partition demo-topic-1-0 offset was changed from 78 to 0. This could be"));
        assertEquals(Optional.of(SAID), said(SAID + ", some data may have been missed"));
    }

    @Test
    void isNoticedWithoutOffsets() {
        assertEquals(Optional.of("Records are gone that this query has not read yet"),
            said("Some data may have been lost because they are not available in Kafka any more"));
    }

    @Test
    void otherFailuresAreNone() {
        assertEquals(Optional.empty(), said("no space left on device"));
    }
}
