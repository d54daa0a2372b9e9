# Go, Rust and Java: programs and archives as their tools build them.
gobuild() { # MODULE-LINES MAIN, in $work/go
  rm -rf "$work/go"; mkdir -p "$work/go" && cd "$work/go" && printf 'module example.com/acme/tool\n\ngo 1.21\n' > go.mod && echo "$1" > main.go && shift && for m in "$@"; do go get -v "$m" 2> /dev/null || failed=1; done && go mod tidy 2> /dev/null
}
web='package main
import ("github.com/gin-gonic/gin"; "github.com/spf13/cobra"; "golang.org/x/crypto/bcrypt"; "github.com/golang-jwt/jwt/v4")
func main() { _ = gin.Default(); _ = cobra.Command{}; _, _ = bcrypt.GenerateFromPassword(nil, 1); _ = jwt.New(nil) }'
webmodules=(github.com/gin-gonic/gin@v1.8.1 github.com/spf13/cobra@v1.5.0 golang.org/x/crypto@v0.1.0 github.com/golang-jwt/jwt/v4@v4.4.2)
if item go-web 'go version -m'; then gobuild "$web" "${webmodules[@]}"; CGO_ENABLED=0 go build -o "$root/app" . ; ask golang "$root/app"; cd /; finish; fi
if item go-stripped 'go version -m'; then gobuild "$web" "${webmodules[@]}"; CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=v9.9.9' -o "$root/usr/bin/app" . ; ask golang "$root/usr/bin/app"; cd /; finish; fi
if item go-replaced 'go version -m'; then gobuild "$web" "${webmodules[@]}"; go mod edit -replace github.com/spf13/cobra=github.com/spf13/cobra@v1.4.0 -replace golang.org/x/text=golang.org/x/text@v0.3.7; go mod tidy 2> /dev/null; go build -o "$root/app" . ; ask golang "$root/app"; cd /; finish; fi
if item go-cross 'go version -m'; then gobuild "$web" "${webmodules[@]}"; for t in linux/arm64 darwin/amd64 windows/amd64 linux/ppc64le; do GOOS=${t%/*} GOARCH=${t#*/} CGO_ENABLED=0 go build -o "$root/opt/$t/app" . && ask golang "$root/opt/$t/app"; done; cd /; finish; fi
if item go-vcs 'go version -m'; then
  gobuild "$web" "${webmodules[@]}"; git init -q . && git -c user.email=a@b -c user.name=a add . && git -c user.email=a@b -c user.name=a commit -qm x && git tag v1.2.3 && GOFLAGS=-buildvcs=true go build -o "$root/app" . ; ask golang "$root/app"; cd /; finish
fi
if item go-installed 'go version -m'; then
  for m in golang.org/x/tools/cmd/stringer@v0.30.0 github.com/mikefarah/yq/v4@v4.44.1 github.com/air-verse/air@v1.61.0; do GOBIN=$root/usr/local/bin go install "$m" 2> /dev/null || failed=1; done
  ask golang "$root"/usr/local/bin/*; finish
fi
if item fs-gomod 'go mod edit -json'; then gobuild "$web" "${webmodules[@]}"; cp go.mod go.sum main.go "$root/"; ask gomod "$root"; cd /; finish; fi

crate() { mkdir -p "$1/src" && printf '[workspace]\n[package]\nname = "acme"\nversion = "0.3.0"\nedition = "2021"\n[dependencies]\nserde = { version = "1", features = ["derive"] }\nserde_json = "1"\nregex = "1.5"\ntime = "0.3"\nsmallvec = "=1.6.0"\n[build-dependencies]\ncc = "1"\n' > "$1/Cargo.toml" && echo 'fn main() { println!("{:?} {}", regex::Regex::new("a"), serde_json::json!({"a": 1})); let v: smallvec::SmallVec<[u8; 4]> = smallvec::smallvec![1]; println!("{}", v.len()); }' > "$1/src/main.rs" && (cd "$1" && cargo generate-lockfile -q); }
if item fs-cargo 'cargo metadata'; then crate "$root"; ask cargo "$root"; finish; fi
if item rust-auditable 'rust-audit-info'; then
  [ -x "$tools/bin/rust-audit-info" ] || cargo install -q --root "$tools" cargo-auditable rust-audit-info > "$work/cargo.log" 2>&1
  crate "$work/crate"; (cd "$work/crate" && PATH="$tools/bin:$PATH" cargo auditable build -q --release) && mkdir -p "$root/usr/bin" && cp "$CARGO_TARGET_DIR/release/acme" "$root/usr/bin/"
  ask auditable "$tools/bin/rust-audit-info" "$root/usr/bin/acme"; finish
fi

dependency() { echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"; }
pom() { # PACKAGING BUILD G A V…
  local packaging=$1 build=$2; shift 2; rm -rf "$work/java"; mkdir -p "$work/java/src/main/"{java/a,webapp/WEB-INF}; echo '<web-app/>' > "$work/java/src/main/webapp/WEB-INF/web.xml"; echo 'package a; public class Main { public static void main(String[] x) {} }' > "$work/java/src/main/java/a/Main.java"
  { echo "<project><modelVersion>4.0.0</modelVersion><groupId>com.acme</groupId><artifactId>shop</artifactId><version>1.2.3</version><packaging>$packaging</packaging><properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target></properties><dependencies>"
    while [ $# -ge 3 ]; do dependency "$1" "$2" "$3"; shift 3; done; echo "</dependencies>$build</project>"; } > "$work/java/pom.xml"; cd "$work/java" || failed=1; }
copy() { mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$1" "${@:2}"; }
spring=(org.springframework spring-webmvc 5.3.20 com.fasterxml.jackson.core jackson-databind 2.13.2 org.apache.logging.log4j log4j-core 2.14.1 org.yaml snakeyaml 1.29 ch.qos.logback logback-classic 1.2.3 org.apache.commons commons-text 1.9 commons-fileupload commons-fileupload 1.4 com.h2database h2 2.1.210)
groups=(org.apache.kafka kafka-clients 3.1.0 org.lz4 lz4-java 1.8.0 com.google.inject guice 5.1.0 org.jdom jdom2 2.0.6 org.ow2.asm asm 9.3 net.java.dev.jna jna 5.12.1 org.hibernate.orm hibernate-core 6.1.0.Final javax.activation activation 1.1.1 commons-collections commons-collections 3.2.1 commons-beanutils commons-beanutils 1.9.3 xerces xercesImpl 2.12.0 dom4j dom4j 1.6.1 log4j log4j 1.2.17 antlr antlr 2.7.7 org.bouncycastle bcprov-jdk15on 1.69 org.postgresql postgresql 42.3.1 mysql mysql-connector-java 8.0.28 org.mozilla rhino 1.7.13 net.minidev json-smart 2.4.7 junit junit 4.12)
jboss=(org.jboss.logging jboss-logging 3.4.3.Final io.undertow undertow-core 2.2.17.Final org.jboss.resteasy resteasy-core 4.7.5.Final org.infinispan infinispan-core 13.0.9.Final io.vertx vertx-core 4.3.1)
tomcat=(org.apache.tomcat.embed tomcat-embed-core 9.0.60 org.apache.tomcat tomcat-catalina 9.0.60 org.apache.tomcat tomcat-coyote 9.0.60 org.eclipse.jetty jetty-server 9.4.44.v20210927 org.glassfish.jersey.core jersey-server 2.35 org.apache.cxf cxf-rt-transports-http 3.4.5 org.apache.activemq activemq-client 5.16.4)
scala=(org.scala-lang scala-library 2.12.10 com.typesafe.akka akka-actor_2.12 2.5.32 org.jetbrains.kotlin kotlin-stdlib 1.5.31 org.clojure clojure 1.10.3 org.codehaus.groovy groovy 3.0.9 com.squareup.okhttp3 okhttp 4.9.3)
for set in spring groups jboss tomcat scala; do
  declare -n list=$set
  if item "java-$set" 'mvn dependency:list'; then pom jar '' "${list[@]}"; copy "$root/opt/app/lib"; ask mvn .; ask bundled "$root"; cd /; finish; fi
  if item "java-$set-unversioned" 'mvn dependency:list'; then pom jar '' "${list[@]}"; copy "$root/opt/app/lib" -Dmdep.stripVersion=true; ask mvn .; ask bundled "$root"; cd /; finish; fi
done
if item java-war 'mvn dependency:list'; then pom war '' "${spring[@]}"; mvn -q -B org.apache.maven.plugins:maven-war-plugin:3.3.2:war && mkdir -p "$root/opt/tomcat/webapps" && cp target/*.war "$root/opt/tomcat/webapps/shop.war"; ask mvn .; ask bundled "$root"; ask lines '?maven com.acme:shop 1.2.3'; cd /; finish; fi
if item java-war-exploded 'mvn dependency:list'; then pom war '' "${groups[@]}"; mvn -q -B org.apache.maven.plugins:maven-war-plugin:3.3.2:exploded && mkdir -p "$root/opt/tomcat/webapps" && cp -r target/shop-1.2.3 "$root/opt/tomcat/webapps/shop"; ask mvn .; ask bundled "$root"; ask lines '?maven com.acme:shop 1.2.3'; cd /; finish; fi
boot='<build><plugins><plugin><groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId><version>2.7.0</version><executions><execution><goals><goal>repackage</goal></goals></execution></executions><configuration><mainClass>a.Main</mainClass></configuration></plugin></plugins></build>'
if item java-boot 'mvn dependency:list'; then pom jar "$boot" org.springframework.boot spring-boot-starter-web 2.7.0 com.h2database h2 1.4.199; mvn -q -B package && mkdir -p "$root/app" && cp target/shop-1.2.3.jar "$root/app/app.jar"; ask mvn .; ask bundled "$root"; ask lines '?maven com.acme:shop 1.2.3'; ask lines 'maven org.springframework.boot:spring-boot-jarmode-layertools 2.7.0'
  sed -i '/spring-boot-starter/d' "$at/truth.part" # the plugin leaves the starters out: nothing is in them
  cd /; finish; fi
shade='<build><plugins><plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-shade-plugin</artifactId><version>3.4.1</version><executions><execution><phase>package</phase><goals><goal>shade</goal></goals></execution></executions></plugin></plugins></build>'
if item java-shaded 'mvn dependency:list'; then pom jar "$shade" com.google.guava guava 30.1-jre com.google.code.gson gson 2.8.5 org.apache.commons commons-lang3 3.9 org.apache.httpcomponents httpclient 4.5.12; mvn -q -B package && mkdir -p "$root/app" && cp target/shop-1.2.3.jar "$root/app/all.jar"; ask mvn .; ask bundled "$root"; ask lines '?maven com.acme:shop 1.2.3'; cd /; finish; fi
