import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;

/**
 * Tells what Java and Apache Kafka read in texts. Takes a line for each, `properties` or `jaas`, a blank, and the text in
 * base64; answers with a line for each: `read` and the pairs, in base64 with colons and blanks between them, or `refused`.
 */
public final class ReadAsJava {
    private ReadAsJava() {
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ", 2);
            System.out.println(answer(words[0], Base64.getDecoder().decode(words[1])));
        }
    }

    private static String answer(String kind, byte[] text) throws Exception {
        try {
            Map<String, String> pairs = kind.equals("jaas") ? jaas(new String(text, StandardCharsets.UTF_8)) : properties(text);
            return pairs.entrySet().stream()
                .map(pair -> " " + encoded(pair.getKey()) + ":" + encoded(pair.getValue()))
                .collect(Collectors.joining("", "read", ""));
        } catch (RuntimeException refusal) {
            return "refused";
        }
    }

    private static Map<String, String> properties(byte[] bytes) throws Exception {
        Properties properties = new Properties();
        properties.load(new ByteArrayInputStream(bytes));
        Map<String, String> pairs = new TreeMap<>();
        properties.stringPropertyNames().forEach(name -> pairs.put(name, properties.getProperty(name)));
        return pairs;
    }

    private static Map<String, String> jaas(String text) {
        JaasContext context = JaasContext.loadClientContext(Map.of("sasl.jaas.config", new Password(text)));
        Map<String, String> pairs = new HashMap<>();
        context.configurationEntries().get(0).getOptions().forEach((name, value) -> pairs.put(name, (String) value));
        return pairs;
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
