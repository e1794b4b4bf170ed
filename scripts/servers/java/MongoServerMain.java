import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;

/** A server that speaks MongoDB's protocol, on 127.0.0.1. Arguments: port, data file. */
public class MongoServerMain {
    public static void main(String[] arguments) {
        H2Backend backend = new H2Backend(arguments[1]);
        backend.version(new Version());
        MongoServer server = new MongoServer(backend);
        // What was acknowledged reaches the disk a second later, or here.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.shutdownNow();
            backend.close();
        }));
        try {
            server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        } catch (Throwable error) {
            error.printStackTrace();
            // The database's own threads would keep the process going.
            System.exit(1);
        }
        System.out.println("Listening, process " + ProcessHandle.current().pid());
    }

    /** The oldest version that current clients talk to: the server's own ones are older. */
    private static class Version implements MongoVersion {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(4, 4, 0);
        }

        @Override
        public int getWireVersion() {
            return 9;
        }
    }
}
