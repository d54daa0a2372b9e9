//! Who publishes deb, rpm and apk packages of his own beside the distributions: how he signs them, and what he publishes of
//! the names that distributions have too.
//!
//! A maintainer or vendor is the image's own claim. Of a name that the distribution's advisories know it is believed only
//! where that publisher is known to publish it: "Docker" on an `openssl` is no reason not to judge it.

/// A publisher.
pub(super) struct Vendor {
    /// The hosts of his addresses; those below them are his too.
    hosts: &'static [&'static str],
    /// What his name begins with, lower case, where packages are signed without an address (rpm's vendor).
    names: &'static [&'static str],
    /// His packages, by name or by `prefix*`, as far as a distribution might have one of that name.
    packages: &'static [&'static str],
}

macro_rules! vendors {
    ($([$($host:literal),*] [$($name:literal),*] [$($package:literal),*];)*) => {
        const VENDORS: &[Vendor] = &[$(Vendor { hosts: &[$($host),*], names: &[$($name),*], packages: &[$($package),*] },)*];
    };
}

vendors! {
    ["docker.com"] ["docker"] ["docker*", "containerd*"];
    ["nodesource.com"] ["nodesource"] ["nodejs*", "nsolid*"];
    ["nginx.com", "nginx.org", "f5.com"] ["nginx"] ["nginx*", "njs", "unit*"];
    ["elastic.co"] ["elastic"] ["elasticsearch*", "kibana*", "logstash*", "*beat", "*beat-elastic"];
    ["kohsuke.org", "jenkins.io", "jenkins-ci.org"] ["jenkins"] ["jenkins*"];
    ["kubernetes.io", "k8s.io"] ["kubernetes"] ["kube*", "cri-tools", "cri-o*", "kubernetes-cni"];
    ["google.com", "chromium.org"] ["google"] ["google-*", "kube*", "bazel"];
    ["microsoft.com"] ["microsoft"] ["dotnet*", "aspnetcore*", "netstandard*", "powershell*", "mssql*", "msodbcsql*", "code", "moby-*", "azure-cli", "msopenjdk*"];
    ["hashicorp.com"] ["hashicorp"] ["consul*", "vault*", "nomad*", "terraform*", "packer", "boundary", "vagrant", "waypoint"];
    ["mongodb.com", "mongodb.org"] ["mongodb"] ["mongodb*", "mongo-*", "mongosh"];
    ["oracle.com", "mysql.com"] ["oracle and/or its affiliates", "mysql"] ["mysql*", "libmysqlclient*", "jdk*", "graalvm*", "virtualbox*"];
    ["mariadb.org", "mariadb.com"] ["mariadb", "monty program"] ["mariadb*", "libmariadb*", "galera*", "maxscale", "libmysqlclient*", "mysql-common"];
    ["percona.com"] ["percona"] ["percona*", "proxysql*", "libperconaserverclient*"];
    ["proxysql.com"] ["proxysql"] ["proxysql*"];
    ["grafana.com"] ["grafana"] ["grafana*", "loki", "promtail", "tempo", "mimir", "alloy"];
    ["influxdata.com", "influxdb.com"] ["influxdata", "influxdb"] ["influxdb*", "telegraf", "chronograf", "kapacitor"];
    ["datadoghq.com"] ["datadog"] ["datadog*"];
    ["newrelic.com"] ["new relic"] ["newrelic*"];
    ["gitlab.com"] ["gitlab"] ["gitlab*"];
    ["github.com"] ["github"] ["gh", "git-lfs"];
    ["yarnpkg.com"] ["yarn"] ["yarn"];
    ["redis.io", "redis.com", "redislabs.com"] ["redis"] ["redis*"];
    ["rabbitmq.com", "vmware.com", "broadcom.com"] ["rabbitmq", "team rabbitmq"] ["rabbitmq*", "erlang*"];
    ["erlang-solutions.com"] ["erlang solutions"] ["erlang*", "esl-erlang", "elixir"];
    ["confluent.io"] ["confluent"] ["confluent*", "librdkafka*", "avro-*"];
    ["apache.org"] ["apache software foundation"] ["cassandra*", "couchdb*", "libarrow*", "kafka*", "activemq*"];
    ["clickhouse.com", "clickhouse.tech", "yandex-team.ru"] ["clickhouse", "yandex"] ["clickhouse*"];
    ["varnish-software.com"] ["varnish"] ["varnish*"];
    ["haproxy.com"] ["haproxy"] ["haproxy*", "hapee*"];
    ["zabbix.com"] ["zabbix"] ["zabbix*"];
    ["eclipse.org", "adoptium.net", "adoptopenjdk.net"] ["eclipse adoptium", "adoptopenjdk", "temurin"] ["temurin*", "adoptopenjdk*"];
    ["azul.com"] ["azul"] ["zulu*", "zing*"];
    ["amazon.com"] ["amazon"] ["java-*-amazon-corretto*", "amazon-*", "aws-*"];
    ["bell-sw.com"] ["bellsoft"] ["bellsoft*"];
    ["nvidia.com"] ["nvidia"] ["cuda*", "libcu*", "libnccl*", "libnpp*", "libnv*", "nvidia*", "tensorrt*"];
    ["intel.com"] ["intel"] ["intel-*", "libze*", "level-zero*"];
    ["amd.com"] ["advanced micro devices"] ["rocm*", "hip*", "amdgpu*", "roc*"];
    ["cloudflare.com"] ["cloudflare"] ["cloudflared", "cloudflare-*"];
    ["tailscale.com"] ["tailscale"] ["tailscale*"];
    ["caddyserver.com"] ["caddy"] ["caddy*"];
    ["traefik.io", "containo.us"] ["traefik"] ["traefik*"];
    ["puppet.com", "puppetlabs.com", "perforce.com"] ["puppet"] ["puppet*", "pdk"];
    ["chef.io", "opscode.com", "getchef.com"] ["chef", "opscode"] ["chef*"];
    ["saltproject.io", "saltstack.com", "saltstack.org"] ["salt"] ["salt*"];
    ["timber.io", "vector.dev"] ["vector", "timber"] ["vector"];
    ["treasure-data.com", "treasuredata.com", "fluentd.org", "calyptia.com", "clear-code.com"] ["treasure data", "fluentd", "calyptia"] ["td-agent*", "fluent*", "calyptia*"];
    ["aquasec.com"] ["aqua"] ["trivy"];
    ["anchore.com", "anchore.io"] ["anchore"] ["syft", "grype"];
    ["crowdstrike.com"] ["crowdstrike"] ["falcon-*"];
    ["splunk.com"] ["splunk"] ["splunk*"];
    ["dynatrace.com"] ["dynatrace"] ["dynatrace*"];
    ["openresty.com", "openresty.org"] ["openresty"] ["openresty*"];
    ["konghq.com"] ["kong"] ["kong*"];
    ["neo4j.com", "neo4j.org", "neotechnology.com"] ["neo4j", "neo technology"] ["neo4j*", "cypher-shell"];
    ["couchbase.com"] ["couchbase"] ["couchbase*", "libcouchbase*"];
    ["arangodb.com"] ["arangodb"] ["arangodb*"];
    ["timescale.com"] ["timescale"] ["timescaledb*"];
    ["citusdata.com"] ["citus"] ["citus*", "postgresql-*-citus*"];
    ["enterprisedb.com"] ["enterprisedb"] ["edb*", "postgresql*", "pgbouncer*"];
    ["opensearch.org"] ["opensearch"] ["opensearch*"];
    ["graylog.org", "graylog.com"] ["graylog"] ["graylog*"];
    ["sonatype.com"] ["sonatype"] ["nexus*"];
    ["isc.org"] ["internet systems consortium", "isc"] ["bind9*", "isc-*", "kea*", "stork*"];
    ["powerdns.com"] ["powerdns"] ["pdns*", "dnsdist*"];
    ["dovecot.fi"] ["dovecot"] ["dovecot*"];
    ["phusion.nl", "phusionpassenger.com"] ["phusion"] ["passenger*", "libapache2-mod-passenger", "libnginx-mod-http-passenger", "nginx*"];
    ["brave.com"] ["brave"] ["brave*"];
    ["opera.com"] ["opera"] ["opera*"];
    ["vivaldi.com"] ["vivaldi"] ["vivaldi*"];
    ["packagecloud.io", "heroku.com", "pulumi.com", "atlassian.com", "jetbrains.com", "signal.org", "zoom.us", "dropbox.com", "spotify.com", "slack-corp.com", "teamviewer.com", "anydesk.com", "nomachine.com"] [] [];
    ["sury.org", "dotdeb.org"] ["remi's rpm repository", "remi collet"] ["php*", "libphp*", "libapache2-mod-php*", "redis*", "valkey*", "nginx*", "mariadb*", "libpcre*"];
    ["postgresql.org"] ["postgresql global development group", "pgdg"] ["postgresql*", "libpq*", "pgbouncer*", "pgadmin4*", "pgpool*", "barman*"];
}

/// Native packages of Debian whose maintainers sign with addresses of their own and of which no advisory speaks: base
/// systems have them, and nobody else publishes any.
const NATIVE: &[&str] = &[
    "adduser",
    "base-passwd",
    "debianutils",
    "gettext-base",
    "hostname",
    "ifupdown",
    "init-system-helpers",
    "insserv",
    "lsb-base",
    "lsb-release",
    "lsb-release-minimal",
    "mawk",
    "netbase",
    "sensible-utils",
    "startpar",
    "sysvinit-utils",
    "tasksel",
    "tasksel-data",
    "ucf",
    "usr-is-merged",
    "usrmerge",
    "whiptail",
];

/// Whether the package is one of Debian's own that no advisory speaks of.
pub(super) fn is_native(name: &str) -> bool {
    NATIVE.contains(&name)
}

/// The publisher who signs so.
pub(super) fn of(named: &str) -> Option<&'static Vendor> {
    let lower = named.to_ascii_lowercase();
    let hosts = layergate_advisory::hosts(&lower);
    VENDORS.iter().find(|v| {
        hosts.iter().any(|host| v.hosts.iter().any(|own| layergate_advisory::is_below(host, own)))
            || hosts.is_empty() && v.names.iter().any(|name| layergate_advisory::begins_with(&lower, name))
    })
}

impl Vendor {
    /// Whether he publishes a package of that name.
    pub(super) fn publishes(&self, package: &str) -> bool {
        self.packages.iter().any(|pattern| match (pattern.strip_prefix('*'), pattern.split_once('*')) {
            (Some(end), _) => package.ends_with(end),
            (None, Some((start, end))) => package.starts_with(start) && package.ends_with(end),
            (None, None) => package == *pattern,
        })
    }
}
