import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.CommonClientConfigs;

/**
 * The client agent of Apache's Java client: testing/clients/protocol.ts says what it is asked and answers.
 * Usage: Agent HOST:PORT, requests on stdin. The environment variable CLIENT_CONFIG may name a file of client properties.
 */
public final class Agent {
    static final ObjectMapper JSON = new ObjectMapper();
    // The client's logger must not write between the answers.
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    interface Call {
        Object run(JsonNode args) throws Exception;
    }

    private Agent() {
    }

    public static void main(String[] arguments) throws Exception {
        Properties base = base(arguments[0]);
        Map<String, Call> calls = new HashMap<>();
        AdminCalls admin = new AdminCalls(base, calls);
        new RecordCalls(base, calls);
        new Member(base, calls);
        ExecutorService threads = Executors.newCachedThreadPool();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JsonNode request = JSON.readTree(line);
            threads.execute(() -> answer(request, calls));
        }
        admin.close();
        // Members and their threads end with the process, as in an application that is stopped.
        Runtime.getRuntime().halt(0);
    }

    /** What all clients of this agent are configured with. */
    private static Properties base(String bootstrap) throws IOException {
        Properties base = new Properties();
        base.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        base.put(CommonClientConfigs.CLIENT_ID_CONFIG, "java-agent");
        String file = System.getenv("CLIENT_CONFIG");
        if (file != null) {
            try (InputStream stream = Files.newInputStream(Path.of(file))) {
                base.load(stream);
            }
        }
        return base;
    }

    static Properties copy(Properties base) {
        Properties config = new Properties();
        config.putAll(base);
        return config;
    }

    /** Writes one message; callers on different threads do not mix their lines. */
    static void send(ObjectNode message) {
        synchronized (OUT) {
            OUT.println(message.toString());
            OUT.flush();
        }
    }

    private static void answer(JsonNode request, Map<String, Call> calls) {
        ObjectNode answer = JSON.createObjectNode().put("id", request.get("id").asInt());
        try {
            Call call = calls.get(request.get("call").asText());
            if (call == null) {
                throw new UnsupportedOperationException("no call " + request.get("call"));
            }
            answer.set("result", JSON.valueToTree(call.run(request.get("args"))));
        } catch (Throwable thrown) {
            Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
            answer.putObject("error").put("name", cause.getClass().getSimpleName()).put("message", cause.getMessage());
        }
        send(answer);
    }
}
