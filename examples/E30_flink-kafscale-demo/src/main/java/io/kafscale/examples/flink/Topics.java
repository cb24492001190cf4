package io.kafscale.examples.flink;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** What has to be there before the job starts: a broker that answers and the two topics. */
final class Topics {
    private static final int LIMIT_MS = 10_000;

    private Topics() {
    }

    /** @throws NotReady with a message for the user */
    static void prepare(Settings settings) throws Exception {
        String bootstrap = settings.text("bootstrap.servers");
        try (Admin admin = Admin.create(settings.client())) {
            try {
                admin.describeCluster(new DescribeClusterOptions().timeoutMs(LIMIT_MS)).nodes().get();
            } catch (ExecutionException unreachable) {
                throw new NotReady("Cannot reach a Kafka broker at " + bootstrap + ". Is it running?");
            }
            if (settings.text("sink.delivery").equals("exactly-once")) {
                requireTransactions(admin);
            }
            create(admin, settings.text("topic"));
            create(admin, settings.text("sink.topic"));
        }
    }

    /** Without this question the job would try for ever to begin a transaction. */
    private static void requireTransactions(Admin admin) throws Exception {
        try {
            admin.listTransactions().all().get();
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof UnsupportedVersionException) {
                throw new NotReady("This broker has no transactions: use --sink.delivery=at-least-once.");
            }
            throw failure;
        }
    }

    private static void create(Admin admin, String name) throws Exception {
        try {
            admin.createTopics(List.of(new NewTopic(name, Optional.of(1), Optional.empty()))).all().get();
        } catch (ExecutionException failure) {
            if (!(failure.getCause() instanceof TopicExistsException)) {
                throw failure;
            }
        }
    }

    static final class NotReady extends Exception {
        private static final long serialVersionUID = 1L;

        NotReady(String message) {
            super(message);
        }
    }
}
