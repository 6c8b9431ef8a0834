# The image is the Debian package, installed on a Debian of the same release: one list of what Howdah needs at run time.
#   docker build --build-arg REVISION=$(git describe --always) -t howdah .
ARG DEBIAN=docker.io/library/debian:bookworm-slim

FROM ${DEBIAN} AS build
ENV LANG=C.UTF-8
WORKDIR /src
COPY scripts/bootstrap scripts/bootstrap
RUN scripts/bootstrap build package && apt-get install -y --no-install-recommends ccache
COPY . .
ARG REVISION=unknown
RUN --mount=type=cache,id=howdah-ccache,target=/ccache \
    CCACHE_DIR=/ccache HOWDAH_REVISION="$REVISION" scripts/build release howdah_deb

FROM ${DEBIAN}
# A private PostgreSQL wants a name for its user. The package's own user is this one then.
RUN groupadd --system --gid 10001 howdah \
 && useradd --system --uid 10001 --gid howdah --home-dir /var/lib/howdah --shell /usr/sbin/nologin howdah
COPY --from=build /src/build/release/packages/ /tmp/packages/
# Of what Debian's PostgreSQL comes with, a private one uses neither LLVM (it runs with jit=off) nor translations and locales (its
# locale is C) nor the commands that manage clusters, in Perl: 200 MB. dpkg knows which packages are gone, and so do scanners.
RUN mkdir -p /etc/postgresql-common/createcluster.d \
 && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/howdah.conf \
 && printf 'path-exclude=/usr/%s/*\n' 'lib/postgresql/*/lib/bitcode' share/locale share/man >/etc/dpkg/dpkg.cfg.d/howdah \
 && echo 'path-exclude=/usr/lib/postgresql/*/lib/llvmjit*' >>/etc/dpkg/dpkg.cfg.d/howdah \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends /tmp/packages/howdah_*.deb \
      systemd-standalone-sysusers postgresql ca-certificates \
 && dpkg --purge --force-depends $(dpkg-query --show --showformat='${Package}\n' 'libllvm*' 'libz3-*' perl 'perl-modules-*' 'libperl*' \
      'libgdbm*' locales libc-l10n 'postgresql*-common') \
 && rm -rf /etc/postgresql-common /tmp/packages /var/lib/apt/lists/* /var/log/* /var/cache/* \
 && install -d -o howdah -g howdah -m 0700 /var/lib/howdah

ARG REVISION=unknown
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Howdah" \
      org.opencontainers.image.description="Amazon SQS on PostgreSQL" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The Howdah authors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Numeric, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/howdah
# Who may call has to be said: -e HOWDAH_AUTH=none, or sigv4 with HOWDAH_CREDENTIALS. Without HOWDAH_DATABASE_URL a private
# database is kept in ./howdah-data.
ENV HOWDAH_LISTEN=0.0.0.0:9324 HOWDAH_ADMIN_LISTEN=0.0.0.0:9325
EXPOSE 9324 9325
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/usr/bin/howdah", "healthcheck"]
ENTRYPOINT ["/usr/bin/howdah"]
CMD ["serve"]
