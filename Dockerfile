# Bascule alone in an empty image: one static binary, no shell, no other file that anybody could run.
#
#   docker build -t bascule --build-arg VERSION=$(git describe --tags --always) .
#   docker build -t bascule:arm64 --build-arg TARGETARCH=arm64 .      (an engine with buildx: --platform linux/arm64)
#
# Where no registry can be reached, packaging/docker/standins makes the base image first.
ARG GO_VERSION=1.26.8
FROM golang:${GO_VERSION}-bookworm AS build
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum packaging/docker/compile ./
# What does not change with our source, in a layer of its own: a cross compiler if one is needed, modules, SQLite's C source.
RUN ./compile prepare
COPY . .
ARG VERSION=dev
# Whoever the container runs as may make the store in a fresh volume, which takes over the owner and the mode of /data/bascule.
RUN packaging/docker/compile bascule /out/usr/bin/bascule && install -d -m 1777 /data/bascule

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY packaging/docker/bascule.yaml /etc/bascule/bascule.yaml
COPY --from=build --chown=65532:65532 /data/ /var/lib/
COPY --from=build /out/ /
ENV BASCULE_CONFIG=/etc/bascule/bascule.yaml
USER 65532:65532
VOLUME /var/lib/bascule
# POP3, IMAP, IMAPS, POP3S, LMTP, HTTP
EXPOSE 1110 1143 1993 1995 1024 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/bin/bascule", "healthcheck"]
ENTRYPOINT ["/usr/bin/bascule"]
CMD ["serve", "--init"]
