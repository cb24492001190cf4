package io.kafscale.examples.orders;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.NewTopic;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.EventListener;
import org.springframework.kafka.config.KafkaListenerEndpointRegistry;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.KafkaAdmin;

/**
 * The topic of the orders; those for retries and dead letters follow from the listener. They are made when the broker
 * answers, be that at the start or later: the application comes up without a broker and says that it is unhealthy.
 *
 * Listeners start and orders are sent when the topics are there. A client that asks for a topic first makes it, with the
 * broker's number of partitions, and notices those that are added only minutes later (metadata.max.age.ms).
 */
@Configuration(proxyBeanMethods = false)
public class Topics {
    static final String ORDERS = "orders-springboot";
    private static final int PARTITIONS = 3;
    private static final long PAUSE_MS = 2_000;
    private static final Logger LOG = LoggerFactory.getLogger(Topics.class);

    private final KafkaAdmin admin;
    private final KafkaListenerEndpointRegistry listeners;
    private final CountDownLatch made = new CountDownLatch(1);

    public Topics(KafkaAdmin admin, KafkaListenerEndpointRegistry listeners) {
        this.admin = admin;
        this.listeners = listeners;
    }

    @Bean
    static NewTopic orders() {
        return TopicBuilder.name(ORDERS).partitions(PARTITIONS).build();
    }

    /** Waits until the topics are there. */
    boolean areThere(Duration limit) throws InterruptedException {
        return made.await(limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    @EventListener(ApplicationReadyEvent.class)
    public void makeWhenTheBrokerAnswers() {
        Thread maker = new Thread(this::tryUntilMade, "topics");
        maker.setDaemon(true);
        maker.start();
    }

    private void tryUntilMade() {
        try {
            while (!make()) {
                Thread.sleep(PAUSE_MS);
            }
            LOG.info("The topics are there");
            made.countDown();
            listeners.start();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean make() {
        try {
            return admin.initialize();
        } catch (RuntimeException failure) {
            LOG.warn("The topics could not be made yet: {}", Broker.reasonOf(failure));
            return false;
        }
    }
}
