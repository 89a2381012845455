package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.varve.nbd.TlsSettings;
import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Clients that others wrote, and our own, over https, with credentials that are right and wrong. */
@RequiresTools("openssl")
class HttpsClientsTest {
    private static final Duration AMPLE = Duration.ofMinutes(2);
    private static final String PYTHON = "/usr/bin/python3";

    @TempDir
    private static Path directory;

    private static Certificates authority;
    private static RunningServer server;
    private static String endpoint;
    private static String token;
    private static String keyId;
    private static String secret;

    @BeforeAll
    static void start() {
        authority = Certificates.create(directory.resolve("ca")).server("rsa");
        server = RunningServer.withTls(
                directory,
                new TlsSettings(
                        authority.serverCertificate(), authority.serverKey(), Optional.empty(), Optional.empty()));
        endpoint = "https://localhost:" + server.apiPort();
        token = json(varve("token", "create", "--role", "administer")).getString("token");
        JsonObject key = json(varve("access-key", "create", "--role", "operate", "--token", token));
        keyId = key.getString("accessKeyId");
        secret = key.getString("secretAccessKey");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void ourOwnCommandsSpeakHttps() {
        assertThat(varve("volume", "ls", "--token", token).exitCode()).isZero();
        assertThat(varve("volume", "ls").err()).contains("a token is needed");
        assertThat(varve("volume", "ls", "--token", "varve_wrong").err()).contains("AuthFailure");
    }

    @Test
    void ourOwnCommandsTrustNobodyUnasked() {
        Outcome outcome = run("volume", "ls", "--api", endpoint, "--token", token);
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
        assertThat(outcome.err()).contains("--api-ca");

        String other = endpoint.replace("localhost", "127.0.0.2");
        assertThat(run(
                                "volume",
                                "ls",
                                "--api",
                                other,
                                "--api-ca",
                                authority.authority().toString())
                        .err())
                .as("not a name of the certificate")
                .contains("127.0.0.2");
        assertThat(run("volume", "ls", "--api", endpoint, "--api-ca", "nowhere.pem")
                        .exitCode())
                .isEqualTo(ExitCode.USAGE);
    }

    @Test
    void ourOwnCommandsShowACertificateWhereOneIsWanted() throws IOException {
        Path client = authority.client("somebody");
        TlsSettings strict = new TlsSettings(
                authority.serverCertificate(),
                authority.serverKey(),
                Optional.of(authority.authority()),
                Optional.empty());
        try (RunningServer picky = RunningServer.withTls(Files.createDirectory(directory.resolve("picky")), strict)) {
            List<String> command = List.of(
                    "volume",
                    "ls",
                    "--api",
                    picky.daemon().apiUri(),
                    "--api-ca",
                    authority.authority().toString());
            List<String> shown = new ArrayList<>(command);
            shown.addAll(List.of(
                    "--api-cert", client.resolve("client-cert.pem").toString(),
                    "--api-key", client.resolve("client-key.pem").toString()));

            assertThat(run(shown.toArray(String[]::new)).exitCode()).isZero();
            assertThat(run(command.toArray(String[]::new)).exitCode()).isEqualTo(ExitCode.UNREACHABLE);
            shown.remove(shown.size() - 1);
            shown.remove(shown.size() - 1);
            assertThat(run(shown.toArray(String[]::new)).err()).contains("--api-cert and --api-key go together");
        }
    }

    @Test
    @RequiresTools("curl")
    void curlIsLetInWithTheTokenOnly() {
        String authorization = "Authorization: Bearer " + token;

        assertThat(curl("-H", authorization, endpoint + "/v1/volumes").output())
                .contains("\"volumes\"")
                .endsWith(" 200");
        assertThat(curl(endpoint + "/v1/volumes").output())
                .contains("AuthFailure")
                .endsWith(" 401");
        assertThat(curl("-H", authorization + "x", endpoint + "/v1/volumes").output())
                .endsWith(" 401");
        assertThat(curl("--tlsv1.3", "-H", authorization, endpoint + "/metrics").output())
                .endsWith(" 200");
        assertThat(curl("--http2", "-H", authorization, endpoint + "/readyz").output())
                .endsWith(" 200");
        assertThat(Tools.run(AMPLE, "curl", "-sS", endpoint + "/healthz").errors())
                .as("without the authority")
                .contains("certificate");
    }

    @Test
    @Tag("slow")
    @RequiresTools("aws")
    void theAwsCommandLineWorksWithItsKeyAndNotWithAnother() {
        String name = "over-https";
        Tools.Finished made = aws(
                secret,
                "ec2",
                "create-volume",
                "--size",
                "1",
                "--volume-type",
                "gp3",
                "--availability-zone",
                "varve-1a",
                "--tag-specifications",
                "ResourceType=volume,Tags=[{Key=Name,Value=" + name + "}]");
        String id = new JsonObject(made.succeeded().output()).getString("VolumeId");
        assertThat(json(varve("volume", "show", id, "--token", token))
                        .getJsonObject("tags")
                        .getString("Name"))
                .isEqualTo(name);
        assertThat(aws(secret, "ec2", "describe-volumes", "--volume-ids", id)
                        .succeeded()
                        .output())
                .contains(id);

        Tools.Finished refused = aws("wrong" + secret, "ec2", "describe-volumes");
        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.errors()).contains("AuthFailure");
    }

    @Test
    @Tag("slow")
    @RequiresTools("python3")
    void boto3WorksWithItsKeyAndNotWithAnother() {
        boolean required = "1".equals(System.getenv("VARVE_REQUIRE_TOOLS"));
        assumeTrue(
                required || Tools.run(AMPLE, PYTHON, "-c", "import boto3").exitCode() == 0,
                "needs boto3 (sudo apt-get install python3-boto3)");
        String script = """
                import boto3, botocore, hashlib, base64, sys
                endpoint, authority, key, secret = sys.argv[1:]
                def client(service, key, secret, verify=authority):
                    return boto3.client(service, endpoint_url=endpoint, verify=verify, region_name='us-east-1',
                        aws_access_key_id=key, aws_secret_access_key=secret)
                def code(call):
                    try:
                        call()
                    except botocore.exceptions.ClientError as e:
                        return e.response['Error']['Code']
                    except botocore.exceptions.SSLError:
                        return 'SSLError'
                ebs = client('ebs', key, secret)
                snapshot = ebs.start_snapshot(VolumeSize=1)['SnapshotId']
                block = b'varve' * 104858
                block = block[:524288]
                digest = base64.b64encode(hashlib.sha256(block).digest()).decode()
                ebs.put_snapshot_block(SnapshotId=snapshot, BlockIndex=3, BlockData=block, DataLength=524288,
                    Checksum=digest, ChecksumAlgorithm='SHA256')
                ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=1)
                token = ebs.list_snapshot_blocks(SnapshotId=snapshot)['Blocks'][0]['BlockToken']
                read = ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=3, BlockToken=token)['BlockData'].read()
                print(read == block)
                print(len(client('ec2', key, secret).describe_snapshots(SnapshotIds=[snapshot])['Snapshots']))
                for service, call in [('ec2', lambda c: c.describe_volumes()),
                                      ('ebs', lambda c: c.list_snapshot_blocks(SnapshotId=snapshot)),
                                      ('cloudwatch', lambda c: c.list_metrics())]:
                    print(code(lambda: call(client(service, key, 'wrong'))))
                    print(code(lambda: call(client(service, 'AKVANOBODY', secret))))
                print(code(lambda: client('ec2', key, secret, True).describe_volumes()))
                """;
        Tools.Finished finished = Tools.run(
                AMPLE, PYTHON, "-c", script, endpoint, authority.authority().toString(), keyId, secret);
        assertThat(finished.succeeded().output().lines())
                .containsExactly(
                        "True",
                        "1",
                        "AuthFailure",
                        "AuthFailure",
                        "InvalidSignatureException",
                        "UnrecognizedClientException",
                        "SignatureDoesNotMatch",
                        "InvalidClientTokenId",
                        "SSLError");
    }

    /** How a command of ours ended. */
    private record Outcome(int exitCode, String out, String err) {}

    private static JsonObject json(Outcome outcome) {
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        return new JsonObject(outcome.out());
    }

    private static Outcome varve(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of(
                "--json", "--api", endpoint, "--api-ca", authority.authority().toString()));
        return run(all.toArray(String[]::new));
    }

    private static Outcome run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine =
                Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return new Outcome(commandLine.execute(arguments), out.toString(), err.toString());
    }

    /** The body, and the status behind it. */
    private static Tools.Finished curl(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                "curl",
                "-sS",
                "-w",
                " %{http_code}",
                "--cacert",
                authority.authority().toString()));
        command.addAll(List.of(arguments));
        return Tools.run(AMPLE, command.toArray(String[]::new)).succeeded();
    }

    private static Tools.Finished aws(String secretKey, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                "env",
                "AWS_ACCESS_KEY_ID=" + keyId,
                "AWS_SECRET_ACCESS_KEY=" + secretKey,
                "AWS_DEFAULT_REGION=us-east-1",
                "AWS_EC2_METADATA_DISABLED=true",
                "AWS_CONFIG_FILE=/dev/null",
                "/usr/bin/aws",
                "--output",
                "json",
                "--endpoint-url",
                endpoint,
                "--ca-bundle",
                authority.authority().toString()));
        command.addAll(List.of(arguments));
        return Tools.run(AMPLE, command.toArray(String[]::new));
    }
}
