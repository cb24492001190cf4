import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.AlterConfigsOptions;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.ConfigResource.Type;

/** Describing and changing configurations. */
final class ConfigQuestions {
    private static final ConfigResource TOPIC = new ConfigResource(Type.TOPIC, "d-1");

    private ConfigQuestions() {
    }

    static void ask(Admin admin, int broker) {
        described(admin, "configs of a topic", TOPIC);
        described(admin, "configs of an unknown topic", new ConfigResource(Type.TOPIC, "no-such-topic"));
        described(admin, "configs of a topic with a wrong name", new ConfigResource(Type.TOPIC, "a/b"));
        described(admin, "configs of a broker", new ConfigResource(Type.BROKER, "" + broker));
        described(admin, "configs of all brokers", new ConfigResource(Type.BROKER, ""));
        described(admin, "configs of an unknown broker", new ConfigResource(Type.BROKER, "" + (broker + 7)));
        described(admin, "configs of a group", new ConfigResource(Type.GROUP, "some-group"));

        changed(admin, "set", TOPIC, op("retention.ms", "7200000", OpType.SET), op("max.message.bytes", "5000", OpType.SET));
        changed(admin, "remove", TOPIC, op("retention.ms", null, OpType.DELETE));
        changed(admin, "remove what is not set", TOPIC, op("segment.ms", null, OpType.DELETE));
        changed(admin, "append to a list", TOPIC, op("cleanup.policy", "compact", OpType.APPEND));
        described(admin, "configs of a topic after an append", TOPIC);
        changed(admin, "append what is there", TOPIC, op("cleanup.policy", "compact", OpType.APPEND));
        changed(admin, "subtract from a list", TOPIC, op("cleanup.policy", "compact", OpType.SUBTRACT));
        changed(admin, "append to a number", TOPIC, op("retention.ms", "1", OpType.APPEND));
        changed(admin, "set an unknown config", TOPIC, op("no.such", "1", OpType.SET));
        changed(admin, "set to null", TOPIC, op("retention.ms", null, OpType.SET));
        changed(admin, "set a wrong number", TOPIC, op("retention.ms", "many", OpType.SET));
        changed(admin, "set a number below its least", TOPIC, op("segment.ms", "0", OpType.SET));
        changed(admin, "set a wrong word", TOPIC, op("compression.type", "brotli", OpType.SET));
        changed(admin, "set a wrong list", TOPIC, op("cleanup.policy", "delete,shred", OpType.SET));
        changed(admin, "set a wrong boolean", TOPIC, op("preallocate", "perhaps", OpType.SET));
        changed(admin, "set one config twice", TOPIC, op("segment.ms", "100000", OpType.SET), op("segment.ms", "200000", OpType.SET));
        changed(admin, "set one right and one wrong", TOPIC, op("segment.ms", "100000", OpType.SET), op("no.such", "1", OpType.SET));
        changed(admin, "change an unknown topic", new ConfigResource(Type.TOPIC, "no-such-topic"), op("segment.ms", "100000", OpType.SET));
        Probe.step("validate a change", () -> Probe.each(admin.incrementalAlterConfigs(
            Map.of(TOPIC, List.of(op("segment.ms", "300000", OpType.SET))), new AlterConfigsOptions().validateOnly(true)).values(), v -> v));
        described(admin, "configs of a topic after all changes", TOPIC);
        changed(admin, "change an unknown config of a broker", new ConfigResource(Type.BROKER, "" + broker), op("no.such", "1", OpType.SET));
        changed(admin, "change a read-only config of a broker", new ConfigResource(Type.BROKER, "" + broker), op("log.dirs", "/x", OpType.SET));
        Probe.step("list config resources", () -> Probe.sorted(admin.listConfigResources().all().get()));
    }

    /** Everything that a description tells, by config name. */
    static Object shape(Config config, boolean withSynonyms) {
        Map<String, Object> entries = new TreeMap<>();
        for (ConfigEntry entry : config.entries()) {
            String synonyms = withSynonyms
                ? " " + entry.synonyms().stream().map(one -> one.source() + ":" + one.name() + "=" + one.value()).toList()
                : "";
            entries.put(entry.name(), entry.value() + " " + entry.source() + " " + entry.type()
                + (entry.isSensitive() ? " sensitive" : "") + (entry.isReadOnly() ? " read-only" : "") + synonyms);
        }
        return entries;
    }

    private static void described(Admin admin, String what, ConfigResource resource) {
        Probe.step(what, () -> Probe.each(admin.describeConfigs(List.of(resource),
            new DescribeConfigsOptions().includeSynonyms(true)).values(), config -> shape(config, true)));
    }

    private static void changed(Admin admin, String what, ConfigResource resource, AlterConfigOp... ops) {
        Probe.step("config: " + what, () -> Probe.each(admin.incrementalAlterConfigs(Map.of(resource, List.of(ops))).values(), v -> v));
    }

    private static AlterConfigOp op(String name, String value, OpType type) {
        return new AlterConfigOp(new ConfigEntry(name, value), type);
    }
}
