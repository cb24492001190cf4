package io.kafscale.examples.orders;

import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.emptyString;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.jsonPath;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.MediaType;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.test.web.servlet.setup.MockMvcBuilders;

/** What needs no broker, and what is answered without one. */
class RestTest {
    private static MockMvc with(Object controller) {
        return MockMvcBuilders.standaloneSetup(controller).build();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{}", "{\"product\":\"widget\"}", "{\"product\":\" \",\"quantity\":1}", "{\"product\":\"widget\",\"quantity\":0}",
    })
    void refusesOrdersThatAreNone(String body) throws Exception {
        with(new OrderController(null, new OrderBook()))
            .perform(post("/api/orders").contentType(MediaType.APPLICATION_JSON).content(body))
            .andExpect(status().isBadRequest());
    }

    @Test
    void saysThatItIsUnhealthyWhenNoBrokerAnswers() throws Exception {
        String nobody = "localhost:" + unusedPort();
        Broker broker = new Broker(nobody, new KafkaAdmin(Map.of("bootstrap.servers", nobody)));
        try {
            with(new BrokerController(broker)).perform(get("/api/health"))
                .andExpect(status().isServiceUnavailable())
                .andExpect(jsonPath("$.status").value("unhealthy"))
                .andExpect(jsonPath("$.broker").value(nobody))
                .andExpect(jsonPath("$.reason").value(not(emptyString())));
        } finally {
            broker.destroy();
        }
    }

    private static int unusedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
