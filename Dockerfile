# One static binary and the certificates of the authorities that it trusts; no shell, not root.
#
#   docker build -t assignctl .
#   docker run --rm -v "$PWD:/work" -e AZURE_TENANT_ID -e AZURE_CLIENT_ID -e AZURE_CLIENT_SECRET \
#     assignctl plan manifests
FROM rust:1.95-alpine@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
# The base is pinned by digest; Alpine keeps no earlier versions of packages that a pin could name.
# hadolint ignore=DL3018
RUN apk add --no-cache build-base ca-certificates-bundle
WORKDIR /source
COPY . .
ARG ASSIGNCTL_COMMIT
# On Alpine the target is musl, and the binary is static.
RUN cargo build --release --locked --bin assignctl \
 && cp target/release/assignctl /assignctl

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /assignctl /usr/local/bin/assignctl
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/assignctl"]
