package io.kafscale.examples.flink;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;

/**
 * The settings of a program: a flag `--name=value` wins over the environment variable `KAFSCALE_NAME`, which wins over
 * the file of the profile, which wins over application.properties. That file names every setting there is. The one called
 * client.properties is the path of a file with more properties for Kafka clients, whose address wins over the profile's.
 */
final class Settings {
    private static final List<String> PROFILES = List.of("default", "cluster", "local-lb");
    private static final String CLIENT = "client.properties";
    private static final String BOOTSTRAP = "bootstrap.servers";

    private final Properties values;
    private final Properties client;

    private Settings(Properties values, Properties client) {
        this.values = values;
        this.client = client;
    }

    /** @throws IllegalArgumentException with a message for the user when a flag, the profile or a file is wrong */
    static Settings of(String[] arguments, Map<String, String> environment) {
        Map<String, String> flags = flags(arguments);
        String profile = profile(flags.remove("profile"), environment);
        Properties values = file("application.properties");
        if (!profile.equals("default")) {
            values.putAll(file("application-" + profile + ".properties"));
        }
        Properties client = client(flags.getOrDefault(CLIENT, environment.getOrDefault(variable(CLIENT), "")));
        if (client.containsKey(BOOTSTRAP)) {
            values.setProperty(BOOTSTRAP, client.getProperty(BOOTSTRAP));
        }
        for (String name : values.stringPropertyNames()) {
            String given = environment.get(variable(name));
            if (given != null && !given.isEmpty()) {
                values.setProperty(name, given);
            }
        }
        flags.forEach((name, value) -> {
            if (!values.containsKey(name)) {
                throw new IllegalArgumentException("unknown flag --" + name + "; there are --profile and "
                    + String.join(", ", values.stringPropertyNames().stream().sorted().map(n -> "--" + n).toList()));
            }
            values.setProperty(name, value);
        });
        return new Settings(values, client);
    }

    /** What a Kafka client is configured with. */
    Properties client() {
        Properties all = new Properties();
        all.putAll(client);
        all.setProperty(BOOTSTRAP, text(BOOTSTRAP));
        return all;
    }

    /** `sink.topic` is KAFSCALE_SINK_TOPIC. */
    static String variable(String name) {
        return "KAFSCALE_" + name.toUpperCase(Locale.ROOT).replace('.', '_');
    }

    String text(String name) {
        String value = values.getProperty(name);
        if (value == null) {
            throw new IllegalStateException("there is no setting " + name);
        }
        return value.strip();
    }

    /** @throws IllegalArgumentException when it is none of them */
    String oneOf(String name, String... choices) {
        String value = text(name);
        if (!List.of(choices).contains(value)) {
            throw new IllegalArgumentException(name + " must be one of " + String.join(", ", choices) + ", not " + value);
        }
        return value;
    }

    /** @throws IllegalArgumentException when it is no whole number from 1 to 999999999 */
    int count(String name) {
        String value = text(name);
        if (!value.matches("[1-9]\\d{0,8}")) {
            throw new IllegalArgumentException(name + " must be a whole number above 0, not " + value);
        }
        return Integer.parseInt(value);
    }

    boolean truth(String name) {
        return oneOf(name, "true", "false").equals("true");
    }

    private static String profile(String flag, Map<String, String> environment) {
        String profile = flag;
        for (String variable : List.of("KAFSCALE_SETUP_PROFILE", "KAFSCALE_PROFILE")) {
            profile = profile == null ? environment.get(variable) : profile;
        }
        if (profile == null || profile.isEmpty()) {
            return "default";
        }
        if (!PROFILES.contains(profile)) {
            throw new IllegalArgumentException("no profile " + profile + "; there are " + String.join(", ", PROFILES));
        }
        return profile;
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

    private static Properties client(String path) {
        Properties client = new Properties();
        if (!path.isEmpty()) {
            try (InputStream stream = Files.newInputStream(Path.of(path))) {
                client.load(stream);
            } catch (IOException missing) {
                throw new IllegalArgumentException(CLIENT + ": cannot read " + path);
            }
        }
        return client;
    }

    private static Properties file(String name) {
        Properties properties = new Properties();
        try (InputStream stream = Settings.class.getResourceAsStream("/" + name)) {
            properties.load(stream);
        } catch (IOException broken) {
            throw new IllegalStateException("cannot read " + name, broken);
        }
        return properties;
    }
}
