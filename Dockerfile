# A small image with one static binary and the CA certificates that it needs; it has no shell.
#
#   docker build -t assignctl .
#   docker run --rm -v "$PWD:/work" -e AZURE_TENANT_ID -e AZURE_CLIENT_ID -e AZURE_CLIENT_SECRET \
#     assignctl plan manifests
FROM rust:1.95-alpine AS build
RUN apk add --no-cache build-base
WORKDIR /source
COPY . .
# On Alpine the target is musl, and the binary is static.
RUN cargo build --release --locked --bin assignctl \
 && cp target/release/assignctl /assignctl

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /assignctl /usr/local/bin/assignctl
WORKDIR /work
ENTRYPOINT ["assignctl"]
