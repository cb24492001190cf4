package io.kafscale.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
    private static Settings of(String... arguments) {
        return Settings.of(arguments, Map.of());
    }

    @Test
    void theClientsOwnDefaultsAreLeftAlone() {
        Settings settings = of();
        assertEquals("localhost:39092", settings.bootstrap());
        assertEquals("demo-topic-1", settings.topic());
        assertEquals(25, settings.produceCount());
        assertEquals(5, settings.consumeCount());
        assertEquals(Optional.empty(), settings.acks());
        assertEquals(Optional.empty(), settings.idempotence());
        assertNotEquals(of().group(), settings.group());
    }

    @Test
    void aFlagWinsOverTheEnvironmentAndThatOverTheDefault() {
        Map<String, String> environment = Map.of("KAFSCALE_TOPIC", "mine", "KAFSCALE_IDEMPOTENCE", "false");
        assertEquals("mine", Settings.of(new String[0], environment).topic());
        assertEquals(Optional.of(false), Settings.of(new String[0], environment).idempotence());
        assertEquals("other", Settings.of(new String[] {"--topic=other"}, environment).topic());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--colour=red", "topic=mine", "--produce-count=-1", "--idempotence=perhaps"})
    void wrongOnesAreRefused(String argument) {
        assertThrows(IllegalArgumentException.class, () -> of(argument));
    }
}
