package io.kafscale.examples.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    private static String bootstrap(Map<String, String> environment, String... flags) {
        return Settings.of(flags, environment).text("bootstrap.servers");
    }

    @Test
    void profilesNameTheBroker() {
        assertEquals("localhost:39092", bootstrap(Map.of()));
        assertEquals("kafscale-broker:9092", bootstrap(Map.of(), "--profile=cluster"));
        assertEquals("localhost:59092", bootstrap(Map.of("KAFSCALE_PROFILE", "local-lb")));
        assertEquals("kafscale-broker:9092",
            bootstrap(Map.of("KAFSCALE_PROFILE", "local-lb", "KAFSCALE_SETUP_PROFILE", "cluster")));
    }

    @Test
    void aFlagWinsOverTheEnvironmentAndThatOverTheProfile() {
        Map<String, String> environment = Map.of("KAFSCALE_BOOTSTRAP_SERVERS", "b:1");
        assertEquals("b:1", bootstrap(environment, "--profile=cluster"));
        assertEquals("c:2", bootstrap(environment, "--bootstrap.servers=c:2"));
    }

    @Test
    void moreForKafkaClientsComesFromAFile(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("client.properties"),
            "bootstrap.servers=a:9093\nsecurity.protocol=SSL\n");
        Map<String, String> environment = Map.of("KAFSCALE_CLIENT_PROPERTIES", file.toString());
        assertEquals(Map.of("bootstrap.servers", "a:9093", "security.protocol", "SSL"),
            Settings.of(new String[] {"--profile=cluster"}, environment).client());
        assertEquals("b:1", bootstrap(environment, "--bootstrap.servers=b:1"));
        assertEquals("a:9093", bootstrap(Map.of(), "--client.properties=" + file));
        assertThrows(IllegalArgumentException.class, () -> bootstrap(Map.of(), "--client.properties=" + folder));
    }

    @Test
    void wrongOnesAreNamed() {
        assertThrows(IllegalArgumentException.class, () -> bootstrap(Map.of(), "--colour=red"));
        assertThrows(IllegalArgumentException.class, () -> bootstrap(Map.of(), "--profile=moon"));
        assertThrows(IllegalArgumentException.class,
            () -> Settings.of(new String[] {"--parallelism=0"}, Map.of()).count("parallelism"));
    }
}
