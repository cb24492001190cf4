import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;

/**
 * Asks a broker the same questions in the same order and prints what Apache's Java client made of each answer, one
 * JSON object per step: {"step", "result"} or {"step", "error": {"class", "message"}}. Two brokers with the same
 * behaviour give the same lines. The broker must be fresh. Usage: Probe HOST:PORT
 */
public final class Probe {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final int STEP_LIMIT_S = 20;
    private static final ExecutorService THREADS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });

    interface Question {
        Object ask() throws Exception;
    }

    private Probe() {
    }

    public static void main(String[] arguments) throws Exception {
        String bootstrap = arguments[0];
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", 4000,
            "request.timeout.ms", 4000);
        try (Admin admin = Admin.create(config)) {
            int broker = admin.describeCluster().nodes().get().iterator().next().id();
            TopicQuestions.ask(admin, broker);
            ConfigQuestions.ask(admin, broker);
            RecordQuestions.ask(admin, bootstrap);
            awaitCoordinator(bootstrap);
            GroupQuestions.ask(admin, bootstrap);
            ClusterQuestions.ask(admin, broker);
        }
        Runtime.getRuntime().halt(0);
    }

    /** The first question about a group makes Apache Kafka create its offsets topic, which may take longer than a question. */
    private static void awaitCoordinator(String bootstrap) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.listConsumerGroupOffsets("awaited").partitionsToOffsetAndMetadata().get();
        }
    }

    /** Asks and prints. The step's name is its identity in the comparison. */
    static void step(String name, Question question) {
        ObjectNode line = JSON.createObjectNode().put("step", name);
        try {
            line.set("result", JSON.valueToTree(THREADS.submit(question::ask).get(STEP_LIMIT_S, TimeUnit.SECONDS)));
        } catch (TimeoutException late) {
            line.putObject("error").put("class", "none").put("message", "no answer within " + STEP_LIMIT_S + " s");
        } catch (Exception failure) {
            Throwable cause = failure;
            while (cause instanceof ExecutionException && cause.getCause() != null) {
                cause = cause.getCause();
            }
            line.putObject("error").put("class", cause.getClass().getSimpleName()).put("message", cause.getMessage());
        }
        OUT.println(line);
    }

    /** The outcome of each future by its key, so that one failing key hides no other. */
    static <K, V> Map<String, Object> each(Map<K, KafkaFuture<V>> futures, Shape<V> shape) throws Exception {
        Map<String, Object> outcomes = new LinkedHashMap<>();
        for (Map.Entry<K, KafkaFuture<V>> entry : futures.entrySet()) {
            Object outcome;
            try {
                outcome = shape.of(entry.getValue().get());
            } catch (ExecutionException failure) {
                outcome = failure.getCause().getClass().getSimpleName() + ": " + failure.getCause().getMessage();
            }
            outcomes.put(entry.getKey().toString(), outcome == null ? "done" : outcome);
        }
        return outcomes;
    }

    interface Shape<V> {
        Object of(V value);
    }

    /** A list sorted by its text: the order of a set is nobody's promise. */
    static List<String> sorted(Collection<?> values) {
        return values == null ? null : values.stream().map(String::valueOf).sorted().toList();
    }

    static List<Integer> ids(List<Node> nodes) {
        return nodes.stream().map(Node::id).toList();
    }

    /** Name, value, name, value as a map that keeps the order and takes null. */
    static Map<String, Object> facts(Object... pairs) {
        Map<String, Object> facts = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            facts.put((String) pairs[i], pairs[i + 1]);
        }
        return facts;
    }

    static <T> List<T> list(Iterable<T> values) {
        List<T> list = new ArrayList<>();
        values.forEach(list::add);
        return list;
    }
}
