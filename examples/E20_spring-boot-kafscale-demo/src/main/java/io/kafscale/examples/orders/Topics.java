package io.kafscale.examples.orders;

import org.apache.kafka.clients.admin.NewTopic;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.EventListener;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.KafkaAdmin;

/**
 * The topic of the orders; those for retries and dead letters follow from the listener. They are made when the broker
 * answers, be that at the start or later: the application comes up without a broker and says that it is unhealthy.
 */
@Configuration(proxyBeanMethods = false)
public class Topics {
    static final String ORDERS = "orders-springboot";
    private static final int PARTITIONS = 3;
    private static final long PAUSE_MS = 2_000;
    private static final Logger LOG = LoggerFactory.getLogger(Topics.class);

    private final KafkaAdmin admin;

    public Topics(KafkaAdmin admin) {
        this.admin = admin;
    }

    @Bean
    static NewTopic orders() {
        return TopicBuilder.name(ORDERS).partitions(PARTITIONS).build();
    }

    @EventListener(ApplicationReadyEvent.class)
    public void makeWhenTheBrokerAnswers() {
        Thread maker = new Thread(this::tryUntilMade, "topics");
        maker.setDaemon(true);
        maker.start();
    }

    private void tryUntilMade() {
        try {
            while (!made()) {
                Thread.sleep(PAUSE_MS);
            }
            LOG.info("The topics are there");
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean made() {
        try {
            return admin.initialize();
        } catch (RuntimeException failure) {
            LOG.warn("The topics could not be made yet: {}", Broker.reasonOf(failure));
            return false;
        }
    }
}
