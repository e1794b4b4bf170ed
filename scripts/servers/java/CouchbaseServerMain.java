import com.couchbase.mock.CouchbaseMock;
import com.couchbase.mock.memcached.MemcachedServer;

/** The vendor's test server, on 127.0.0.1. Arguments: port of its web interface, port of its first node, number of nodes. */
public class CouchbaseServerMain {
    private static final int PARTITIONS = 64;

    public static void main(String[] arguments) throws Exception {
        int webPort = Integer.parseInt(arguments[0]);
        int nodePort = Integer.parseInt(arguments[1]);
        int nodes = Integer.parseInt(arguments[2]);
        CouchbaseMock server =
                new CouchbaseMock("127.0.0.1", webPort, nodes, nodePort, PARTITIONS, "default::couchbase", nodes - 1);
        server.start();
        server.waitForStartup();
        // Clients ask the nodes themselves where the others are.
        for (MemcachedServer node : server.getBuckets().get("default").getServers()) {
            node.setCccpEnabled(true);
        }
        System.out.println("Listening, process " + ProcessHandle.current().pid());
    }
}
