package io.kafscale.examples.spark;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads out of a failed query whether it stopped because records are gone, and which. */
final class DataLoss {
    private static final Pattern RESET =
        Pattern.compile("Partition (\\S+?)(?:'s)? offset was changed from (\\d+) to (\\d+)");
    private static final Pattern LOST = Pattern.compile("data may have been lost|DATA_LOSS", Pattern.CASE_INSENSITIVE);

    private DataLoss() {
    }

    /** A sentence for the user; empty when it failed for another reason. */
    static Optional<String> in(Throwable failure) {
        boolean lost = false;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage());
            Matcher reset = RESET.matcher(message);
            if (reset.find()) {
                return Optional.of("Partition " + reset.group(1) + "'s offset was changed from " + reset.group(2)
                    + " to " + reset.group(3));
            }
            lost |= LOST.matcher(message).find();
        }
        return lost ? Optional.of("Records are gone that this query has not read yet") : Optional.empty();
    }
}
