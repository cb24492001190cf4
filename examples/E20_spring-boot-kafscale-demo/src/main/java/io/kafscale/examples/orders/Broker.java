package io.kafscale.examples.orders;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.common.Node;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.stereotype.Component;

/** What the cluster says of itself when it is asked, every time anew. */
@Component
public class Broker implements DisposableBean {
    private static final int LIMIT_MS = 5_000;

    private final String bootstrap;
    private final KafkaAdmin settings;
    private Admin admin;

    public Broker(@Value("${spring.kafka.bootstrap-servers}") String bootstrap, KafkaAdmin settings) {
        this.bootstrap = bootstrap;
        this.settings = settings;
    }

    public record NodeInfo(int id, String host, int port) {
        static NodeInfo of(Node node) {
            return node == null ? null : new NodeInfo(node.id(), node.host(), node.port());
        }
    }

    public record ClusterInfo(String bootstrap, String clusterId, NodeInfo controller, List<NodeInfo> nodes,
                              List<String> topics) {
    }

    /** As it is configured, `HOST:PORT`, several by commas. */
    public String bootstrap() {
        return bootstrap;
    }

    /** @throws Unreachable when no broker answers within five seconds */
    public void ping() {
        answered(() -> ask().nodes().get());
    }

    /** @throws Unreachable when no broker answers within five seconds */
    public ClusterInfo info() {
        return answered(() -> {
            DescribeClusterResult cluster = ask();
            Collection<Node> nodes = cluster.nodes().get();
            List<String> topics = admin().listTopics(new ListTopicsOptions().timeoutMs(LIMIT_MS)).names().get()
                .stream().sorted().toList();
            return new ClusterInfo(bootstrap, cluster.clusterId().get(), NodeInfo.of(cluster.controller().get()),
                nodes.stream().map(NodeInfo::of).toList(), topics);
        });
    }

    private DescribeClusterResult ask() {
        return admin().describeCluster(new DescribeClusterOptions().timeoutMs(LIMIT_MS));
    }

    /** Made when first asked for, because a client cannot be made while the broker's name does not resolve. */
    private synchronized Admin admin() {
        if (admin == null) {
            admin = Admin.create(settings.getConfigurationProperties());
        }
        return admin;
    }

    @Override
    public synchronized void destroy() {
        if (admin != null) {
            admin.close();
        }
    }

    private interface Question<T> {
        T ask() throws ExecutionException, InterruptedException;
    }

    private static <T> T answered(Question<T> question) {
        try {
            return question.ask();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new Unreachable(stopped);
        } catch (Exception failure) {
            throw new Unreachable(failure);
        }
    }

    static String reasonOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }

    public static final class Unreachable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Unreachable(Exception cause) {
            super(reasonOf(cause), cause);
        }
    }
}
