FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY eng eng
COPY src src
RUN dotnet publish src/WorkloadProxy -c Release --os linux --self-contained false -p:PublishReadyToRun=true -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
# git serves and fetches policy repositories, OpenSSH proves droplets, tzdata has the time zones of `now_in`
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl git openssh-client tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o "$APP_UID" -g "$APP_UID" -m 0700 /data \
 && install -d /policy
COPY --from=build /app /app
# nobody is trusted until a configuration names its own policies: the examples are for reading, and `/policy` is empty
COPY policies /usr/share/workload-proxy/examples/policies
COPY roles /usr/share/workload-proxy/examples/roles
COPY gha-roles /usr/share/workload-proxy/examples/gha-roles
COPY droplet-roles /usr/share/workload-proxy/examples/droplet-roles

# the base image's own port setting would stand beside Urls and PORT; the diagnostics socket would want a writable root
ENV ASPNETCORE_HTTP_PORTS="" DOTNET_EnableDiagnostics=0 DataDirectory=/data HOME=/tmp
USER $APP_UID
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD curl -fsS "http://127.0.0.1:${PORT:-8080}/health/live" > /dev/null || exit 1
ENTRYPOINT ["/app/workload-proxy"]
CMD ["serve"]

# docker build -t workload-proxy .
# docker run --read-only --tmpfs /tmp --cap-drop ALL -v workload-proxy:/data -v "$PWD/config:/config:ro" -p 8080:8080 \
#   -e DIGITALOCEAN_TOKEN workload-proxy serve --config /config/workload-proxy.json
