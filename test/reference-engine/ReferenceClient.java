import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobID;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.core.execution.CheckpointType;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.util.ExceptionUtils;
import org.apache.flink.util.SerializedThrowable;

/**
 * The reference engine's own client asks a cluster what a user would: PORT, a job that runs, one
 * that failed, a directory for savepoints. A line each: what, then the answer, or `failed` and the
 * throwable that the client made of it.
 */
public final class ReferenceClient {
    private interface Call {
        CompletableFuture<?> send() throws Exception;
    }

    public static void main(String[] args) throws Exception {
        Configuration configuration = new Configuration();
        configuration.set(RestOptions.ADDRESS, "127.0.0.1");
        configuration.set(RestOptions.PORT, Integer.parseInt(args[0]));
        configuration.set(RestOptions.RETRY_MAX_ATTEMPTS, 1);
        JobID running = JobID.fromHexString(args[1]);
        JobID failed = JobID.fromHexString(args[2]);
        String directory = args[3];
        SavepointFormatType format = SavepointFormatType.CANONICAL;
        RestClusterClient<String> client = new RestClusterClient<>(configuration, "cluster");
        say("jobs", () -> client.listJobs().thenApply(jobs -> jobs.size()));
        say("status", () -> client.getJobStatus(running));
        say("details", () -> client.getJobDetails(running).thenApply(job -> job.getJobVertexInfos().size()));
        say("savepoint nowhere", () -> client.triggerSavepoint(running, "/proc/none", format));
        say("savepoint", () -> client.triggerSavepoint(running, directory, format));
        say("checkpoint", () -> client.triggerCheckpoint(running, CheckpointType.FULL));
        say("dispose nothing", () -> client.disposeSavepoint(directory + "/none"));
        say("stop", () -> client.stopWithSavepoint(running, false, directory, format));
        say("stop again", () -> client.stopWithSavepoint(running, false, directory, format));
        say("result", () -> client.requestJobResult(running).thenApply(result -> result.isSuccess()));
        ClassLoader loader = ReferenceClient.class.getClassLoader();
        say("failed result", () -> {
            client.requestJobResult(failed).get(30, TimeUnit.SECONDS).toJobExecutionResult(loader);
            return null;
        });
        client.close();
        System.exit(0);
    }

    private static void say(String what, Call call) {
        try {
            System.out.println("> " + what + ": " + call.send().get(30, TimeUnit.SECONDS));
        } catch (Throwable thrown) {
            Throwable cause = ExceptionUtils.stripExecutionException(thrown);
            String text = cause.getClass().getSimpleName() + ": " + cause.getMessage();
            SerializedThrowable serialized =
                    ExceptionUtils.findThrowable(cause, SerializedThrowable.class).orElse(null);
            if (serialized != null) {
                text += " | " + serialized.getFullStringifiedStackTrace().split("\n")[0];
            }
            System.out.println("> " + what + ": failed " + text.replace('\n', ' '));
        }
    }
}
