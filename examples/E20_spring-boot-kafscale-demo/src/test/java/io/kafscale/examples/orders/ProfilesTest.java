package io.kafscale.examples.orders;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.context.ConfigDataApplicationContextInitializer;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class ProfilesTest {
    @ParameterizedTest
    @CsvSource({"default,localhost:39092", "cluster,kafscale-broker:9092", "local-lb,localhost:59092"})
    void nameTheBroker(String profile, String broker) {
        new ApplicationContextRunner().withInitializer(new ConfigDataApplicationContextInitializer())
            .withSystemProperties("spring.profiles.active=" + profile)
            .run(context -> assertEquals(broker, context.getEnvironment().getProperty("spring.kafka.bootstrap-servers")));
    }
}
