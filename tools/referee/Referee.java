// Makes random messages with Apache Kafka's own classes and prints, one JSON object a line, the bytes that Kafka writes for
// each and the value that Kafka reads back from them. The request for work comes on standard input, one message a line:
//
//     NAME FIRST_VERSION LAST_VERSION COUNT      (COUNT messages for each version)
//
// Argument: the seed. The same seed gives the same messages. Integers of 64 bits stay within -2^53..2^53-2;
// 2^53-1 is what our side makes of Long.MAX_VALUE.
//
// What a version may carry is taken from the schemas that Kafka's message classes hold, so nothing here depends on our own.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;

public final class Referee {
    private static final long SAFE = 1L << 53;
    private static final String[] WORDS = {
        "", "a", "topic-1", "gr\u00e5t", "\u65e5\u672c\u8a9e", "\ud83d\ude80 up",
        "x".repeat(24), "y".repeat(25), "z".repeat(126), "w".repeat(127), "v".repeat(300)
    };

    private final Random random;
    private int lastVersion;

    private Referee(long seed) {
        this.random = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        Referee referee = new Referee(Long.parseLong(args[0]));
        PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StringBuilder line = new StringBuilder();
        for (String work = in.readLine(); work != null; work = in.readLine()) {
            String[] parts = work.split(" ");
            Class<?> type = Class.forName("org.apache.kafka.common.message." + parts[0]);
            String name = parts[0].endsWith("Data") ? parts[0].substring(0, parts[0].length() - 4) : parts[0];
            referee.lastVersion = Integer.parseInt(parts[2]);
            for (int version = Integer.parseInt(parts[1]); version <= referee.lastVersion; version++) {
                for (int i = 0; i < Integer.parseInt(parts[3]); i++) {
                    line.setLength(0);
                    referee.message(type, name, (short) version, i, line);
                    out.println(line);
                }
            }
        }
        out.flush();
    }

    /** The first message of a version keeps all defaults; the others are random. */
    private void message(Class<?> type, String name, short version, int index, StringBuilder line) throws Exception {
        Message message = (Message) type.getDeclaredConstructor().newInstance();
        if (index > 0) fill(message, schemaOf(type, version));
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) throw new IllegalStateException(name + " " + version + ": another size than announced");
        buffer.flip();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        Message again = (Message) type.getDeclaredConstructor().newInstance();
        again.read(new ByteBufferAccessor(ByteBuffer.wrap(bytes)), version);
        line.append("{\"name\":\"").append(name).append("\",\"version\":").append(version);
        line.append(",\"bytes\":\"").append(Base64.getEncoder().encodeToString(bytes)).append("\",\"value\":");
        print(again, line);
        line.append('}');
    }

    private static Schema schemaOf(Class<?> type, int version) throws Exception {
        return ((Schema[]) type.getField("SCHEMAS").get(null))[version];
    }

    private void fill(Object message, Schema schema) throws Exception {
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields tagged) {
                fillTagged(message, tagged);
            } else {
                set(message, field.def.name, field.def.type);
            }
        }
    }

    private void fillTagged(Object message, TaggedFields tagged) throws Exception {
        for (org.apache.kafka.common.protocol.types.Field known : tagged.fields().values()) {
            if (random.nextInt(3) > 0) set(message, known.name, known.type);
        }
        if (random.nextInt(4) != 0) return;
        int next = firstUnknownTag(message.getClass());
        for (int count = 1 + random.nextInt(2); count > 0; count--) {
            next += random.nextInt(200);
            byte[] data = new byte[random.nextInt(3) == 0 ? 200 : random.nextInt(10)];
            random.nextBytes(data);
            ((Message) message).unknownTaggedFields().add(new RawTaggedField(next++, data));
        }
    }

    /** Above those of every version: Kafka refuses a tag that only another version knows. */
    private static int firstUnknownTag(Class<?> type) throws Exception {
        int next = 0;
        for (Schema schema : (Schema[]) type.getField("SCHEMAS").get(null)) {
            if (schema == null) continue;
            for (BoundField field : schema.fields()) {
                if (!(field.def.type instanceof TaggedFields tagged)) continue;
                for (int tag : tagged.fields().keySet()) next = Math.max(next, tag + 1);
            }
        }
        return next;
    }

    private void set(Object message, String snakeName, org.apache.kafka.common.protocol.types.Type type) throws Exception {
        Field field = fieldFor(message.getClass(), snakeName);
        field.setAccessible(true);
        field.set(message, value(field.getType(), field.getGenericType(), type));
    }

    private static Field fieldFor(Class<?> type, String snakeName) {
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers()) && isCalled(snakeName, field.getName())) return field;
        }
        throw new IllegalStateException(type + " has no field for " + snakeName);
    }

    private Object value(Class<?> java, Type generic, org.apache.kafka.common.protocol.types.Type wire) throws Exception {
        if (wire.isNullable() && random.nextInt(4) == 0) return null;
        if (java == boolean.class) return random.nextBoolean();
        if (java == byte.class) return (byte) small(Byte.MIN_VALUE, Byte.MAX_VALUE);
        if (java == short.class) return (short) small(Short.MIN_VALUE, Short.MAX_VALUE);
        if (java == int.class) {
            return wire.toString().equals("UINT16") ? random.nextInt(65536) : (int) small(Integer.MIN_VALUE, Integer.MAX_VALUE);
        }
        if (java == long.class) return wire.toString().equals("UINT32") ? small(0, 0xffffffffL) : small(-SAFE, SAFE - 2);
        if (java == double.class) return random.nextInt(4) == 0 ? (double) random.nextInt(100) : random.nextGaussian() * 1e12;
        if (java == String.class) return WORDS[random.nextInt(WORDS.length)];
        if (java == Uuid.class) return random.nextInt(3) == 0 ? Uuid.ZERO_UUID : new Uuid(random.nextLong(), random.nextLong());
        if (java == byte[].class) return bytes();
        if (java == ByteBuffer.class) return ByteBuffer.wrap(bytes());
        if (java.getSimpleName().equals("BaseRecords")) return records(java);
        if (Collection.class.isAssignableFrom(java)) return list(java, generic, wire);
        Object struct = java.getDeclaredConstructor().newInstance();
        fill(struct, (Schema) wire);
        return struct;
    }

    @SuppressWarnings("unchecked")
    private Object list(Class<?> java, Type generic, org.apache.kafka.common.protocol.types.Type wire) throws Exception {
        Type element = elementType(java, generic);
        Collection<Object> list = java == List.class
            ? new ArrayList<>()
            : (Collection<Object>) java.getDeclaredConstructor().newInstance();
        org.apache.kafka.common.protocol.types.Type elementWire = wire.arrayElementType().orElseThrow();
        int count = random.nextInt(10) == 0 ? 130 : random.nextInt(4);
        if (count == 130 && !isScalar((Class<?>) element)) count = 5;
        for (int i = 0; i < count; i++) list.add(value(primitive((Class<?>) element), element, elementWire));
        return list;
    }

    private static Type elementType(Class<?> java, Type generic) {
        if (generic instanceof ParameterizedType parameterized) return parameterized.getActualTypeArguments()[0];
        return ((ParameterizedType) java.getGenericSuperclass()).getActualTypeArguments()[0];
    }

    private static boolean isScalar(Class<?> type) {
        return type == Uuid.class || type == String.class || primitive(type) != type;
    }

    private static Class<?> primitive(Class<?> type) {
        if (type == Boolean.class) return boolean.class;
        if (type == Byte.class) return byte.class;
        if (type == Short.class) return short.class;
        if (type == Integer.class) return int.class;
        if (type == Long.class) return long.class;
        return type == Double.class ? double.class : type;
    }

    /** Often an end of the range or close to zero. */
    private long small(long lowest, long highest) {
        return switch (random.nextInt(5)) {
            case 0 -> lowest;
            case 1 -> highest;
            case 2 -> lowest < 0 ? -1 - random.nextInt(3) : random.nextInt(4);
            case 3 -> random.nextInt(100);
            default -> lowest + (long) (random.nextDouble() * ((double) highest - lowest));
        };
    }

    private byte[] bytes() {
        byte[] bytes = new byte[random.nextInt(4) == 0 ? 1000 + random.nextInt(1000) : random.nextInt(20)];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Records are opaque to a codec, so they need not be any. */
    private Object records(Class<?> base) throws Exception {
        Class<?> memoryRecords = Class.forName(base.getPackageName() + ".MemoryRecords");
        return memoryRecords.getMethod("readableRecords", ByteBuffer.class).invoke(null, ByteBuffer.wrap(bytes()));
    }

    private void print(Object value, StringBuilder line) throws Exception {
        if (value == null || value instanceof Boolean || value instanceof Number && !(value instanceof Long)) {
            line.append(value);
        } else if (value instanceof Long number) {
            // The default of a tagged field that Kafka leaves out ("no limit"); ours is the largest safe integer.
            line.append(number == Long.MAX_VALUE ? SAFE - 1 : number);
        } else if (value instanceof String text) {
            quote(text, line);
        } else if (value instanceof Uuid) {
            quote(value.toString(), line);
        } else if (value instanceof byte[] bytes) {
            hex(bytes, line);
        } else if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            hex(bytes, line);
        } else if (value instanceof Collection<?> list) {
            line.append('[');
            String separator = "";
            for (Object element : list) {
                line.append(separator);
                print(element, line);
                separator = ",";
            }
            line.append(']');
        } else if (value instanceof RawTaggedField field) {
            line.append("{\"tag\":").append(field.tag()).append(",\"data\":");
            hex(field.data(), line);
            line.append('}');
        } else if (value instanceof Message message) {
            struct(message, line);
        } else {
            print(value.getClass().getMethod("buffer").invoke(value), line);
        }
    }

    private void struct(Message message, StringBuilder line) throws Exception {
        line.append('{');
        String separator = "";
        for (Field field : message.getClass().getDeclaredFields()) {
            // Classes have fields of their own too: links between the elements of a collection, the unknown tags.
            if (Modifier.isStatic(field.getModifiers()) || !isKnown(message.getClass(), field.getName())) continue;
            field.setAccessible(true);
            line.append(separator);
            quote(field.getName(), line);
            line.append(':');
            print(field.get(message), line);
            separator = ",";
        }
        if (!message.unknownTaggedFields().isEmpty()) {
            line.append(separator).append("\"unknownTaggedFields\":");
            print(message.unknownTaggedFields(), line);
        }
        line.append('}');
    }

    /** Has any of the versions that we were asked for this field? */
    private boolean isKnown(Class<?> type, String javaName) throws Exception {
        Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
        for (int version = 0; version <= Math.min(lastVersion, schemas.length - 1); version++) {
            if (schemas[version] == null) continue;
            for (BoundField field : schemas[version].fields()) {
                if (isCalled(field.def.name, javaName)) return true;
                if (!(field.def.type instanceof TaggedFields tagged)) continue;
                for (org.apache.kafka.common.protocol.types.Field known : tagged.fields().values()) {
                    if (isCalled(known.name, javaName)) return true;
                }
            }
        }
        return false;
    }

    /** Schemas say `topic_id`, classes say `topicId`. */
    private static boolean isCalled(String snakeName, String javaName) {
        return snakeName.replace("_", "").equalsIgnoreCase(javaName);
    }

    private static void hex(byte[] bytes, StringBuilder line) {
        line.append("{\"hex\":\"").append(HexFormat.of().formatHex(bytes)).append("\"}");
    }

    private static void quote(String text, StringBuilder line) {
        line.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') line.append('\\');
            line.append(c);
        }
        line.append('"');
    }
}
