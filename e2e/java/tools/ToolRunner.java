import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache Kafka's command line tools one after another in one JVM, each as its script would: main class,
 * arguments, standard input; and gives back exit code, standard output and standard error of each.
 *
 * One JSON object per line: {"id", "main", "args", "stdin"} in, {"id", "code", "stdout", "stderr"} out.
 */
public final class ToolRunner {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<Runnable> HOOKS = Collections.synchronizedList(new ArrayList<>());

    private ToolRunner() {
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        // The console producer sends its last records in such a hook.
        Exit.setShutdownHookAdder((name, hook) -> HOOKS.add(hook));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            answers.println(run(JSON.readTree(line)));
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static ObjectNode run(JsonNode request) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream ownOut = System.out;
        PrintStream ownErr = System.err;
        InputStream ownIn = System.in;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        System.setIn(new ByteArrayInputStream(request.get("stdin").asText().getBytes(StandardCharsets.UTF_8)));
        int code;
        try {
            code = exitCode(request);
            HOOKS.forEach(Runnable::run);
        } finally {
            HOOKS.clear();
            System.out.flush();
            System.err.flush();
            System.setOut(ownOut);
            System.setErr(ownErr);
            System.setIn(ownIn);
        }
        return JSON.createObjectNode().put("id", request.get("id").asInt()).put("code", code)
            .put("stdout", out.toString(StandardCharsets.UTF_8)).put("stderr", err.toString(StandardCharsets.UTF_8));
    }

    private static int exitCode(JsonNode request) throws Exception {
        Method main = Class.forName(request.get("main").asText()).getMethod("main", String[].class);
        List<String> args = new ArrayList<>();
        request.get("args").forEach(arg -> args.add(arg.asText()));
        CompletableFuture<Integer> code = new CompletableFuture<>();
        Exit.setExitProcedure((status, message) -> exit(code, status));
        Exit.setHaltProcedure((status, message) -> exit(code, status));
        Thread tool = new Thread(() -> {
            try {
                main.invoke(null, (Object) args.toArray(new String[0]));
                code.complete(0);
            } catch (InvocationTargetException thrown) {
                // What the JVM does with an exception that leaves main.
                thrown.getCause().printStackTrace();
                code.complete(1);
            } catch (Throwable thrown) {
                code.completeExceptionally(thrown);
            }
        }, "tool");
        tool.setDaemon(true);
        tool.start();
        return code.get();
    }

    /** System.exit never returns to its caller; an exception instead could be caught and reported by the tool. */
    private static void exit(CompletableFuture<Integer> code, int status) {
        code.complete(status);
        while (true) {
            try {
                Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException again) {
                // Nobody interrupts it; sleep on.
            }
        }
    }
}
