# The one image of broker and operator. `make image` builds the same files without a container engine.
FROM node:24-bookworm-slim AS build
# etcdutl is built from its Go module.
COPY --from=golang:1.25-bookworm /usr/local/go /usr/local/go
COPY --from=golang:1.25-bookworm /etc/ssl/certs /etc/ssl/certs
ENV PATH=$PATH:/usr/local/go/bin
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN node tools/image/rootfs.ts /rootfs

FROM scratch
COPY --from=build /rootfs /
LABEL org.opencontainers.image.title=kafscale org.opencontainers.image.licenses=Apache-2.0
USER 65532:65532
WORKDIR /app
ENV PATH=/usr/local/bin NODE_ENV=production
EXPOSE 9092 19092 19093 48080
ENTRYPOINT ["/usr/local/bin/node"]
CMD ["/app/dist/broker/main.js"]
