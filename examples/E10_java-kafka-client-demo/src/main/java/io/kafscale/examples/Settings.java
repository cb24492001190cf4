package io.kafscale.examples;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * What the demo can be told: a flag wins over an environment variable, which wins over the default.
 *
 * @param acks        empty: the client's own default (all)
 * @param idempotence empty: the client's own default (on)
 */
record Settings(String bootstrap, String topic, int produceCount, int consumeCount, Duration timeout,
                Optional<String> acks, Optional<Boolean> idempotence, String group) {

    static final String USAGE = String.join(System.lineSeparator(),
        "Options (flag, environment variable, default):",
        "  --bootstrap=HOST:PORT   KAFSCALE_BOOTSTRAP_SERVERS  localhost:39092",
        "  --topic=NAME            KAFSCALE_TOPIC              demo-topic-1",
        "  --produce-count=N       KAFSCALE_PRODUCE_COUNT      25",
        "  --consume-count=N       KAFSCALE_CONSUME_COUNT      5",
        "  --timeout=MILLISECONDS  KAFSCALE_TIMEOUT_MS         10000",
        "  --acks=0|1|all          KAFSCALE_ACKS               the client's default (all)",
        "  --idempotence=BOOLEAN   KAFSCALE_IDEMPOTENCE        the client's default (true)",
        "  --group=ID              KAFSCALE_GROUP              a new one for every run");

    /** @throws IllegalArgumentException with a message for the user when a flag or value is wrong */
    static Settings of(String[] arguments, Map<String, String> environment) {
        Source source = new Source(flags(arguments), environment);
        Settings settings = new Settings(
            source.text("bootstrap", "KAFSCALE_BOOTSTRAP_SERVERS").orElse("localhost:39092"),
            source.text("topic", "KAFSCALE_TOPIC").orElse("demo-topic-1"),
            source.count("produce-count", "KAFSCALE_PRODUCE_COUNT").orElse(25),
            source.count("consume-count", "KAFSCALE_CONSUME_COUNT").orElse(5),
            Duration.ofMillis(source.count("timeout", "KAFSCALE_TIMEOUT_MS").orElse(10_000)),
            source.text("acks", "KAFSCALE_ACKS"),
            source.truth("idempotence", "KAFSCALE_IDEMPOTENCE"),
            source.text("group", "KAFSCALE_GROUP").orElseGet(() -> "java-client-demo-" + UUID.randomUUID()));
        if (!source.flags.isEmpty()) {
            throw new IllegalArgumentException("unknown flag --" + source.flags.keySet().iterator().next());
        }
        return settings;
    }

    private static Map<String, String> flags(String[] arguments) {
        Map<String, String> flags = new HashMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (!argument.startsWith("--") || equals < 0) {
                throw new IllegalArgumentException("not of the form --name=value: " + argument);
            }
            flags.put(argument.substring(2, equals), argument.substring(equals + 1));
        }
        return flags;
    }

    /** Flags are taken out as they are asked for, so that those left at the end are the unknown ones. */
    private record Source(Map<String, String> flags, Map<String, String> environment) {
        Optional<String> text(String flag, String variable) {
            String given = flags.remove(flag);
            String value = given != null ? given : environment.get(variable);
            return Optional.ofNullable(value).filter(text -> !text.isEmpty());
        }

        Optional<Integer> count(String flag, String variable) {
            return text(flag, variable).map(text -> {
                if (!text.matches("\\d{1,9}")) {
                    throw new IllegalArgumentException("--" + flag + " must be a whole number, not " + text);
                }
                return Integer.valueOf(text);
            });
        }

        Optional<Boolean> truth(String flag, String variable) {
            return text(flag, variable).map(text -> {
                if (!text.equals("true") && !text.equals("false")) {
                    throw new IllegalArgumentException("--" + flag + " must be true or false, not " + text);
                }
                return Boolean.valueOf(text);
            });
        }
    }
}
