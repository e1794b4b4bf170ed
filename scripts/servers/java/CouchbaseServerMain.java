import com.couchbase.mock.Bucket.BucketType;
import com.couchbase.mock.BucketConfiguration;
import com.couchbase.mock.CouchbaseMock;
import com.couchbase.mock.httpio.HttpServer;
import com.couchbase.mock.memcached.MemcachedServer;
import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.util.List;

/** The vendor's test server, on 127.0.0.1, with one node. Arguments: port of its web interface, port of the node. */
public class CouchbaseServerMain {
    public static void main(String[] arguments) throws Exception {
        BucketConfiguration bucket = new BucketConfiguration();
        bucket.name = "default";
        bucket.password = "";
        bucket.type = BucketType.COUCHBASE;
        bucket.hostname = "127.0.0.1";
        bucket.bucketStartPort = Integer.parseInt(arguments[1]);
        bucket.numNodes = 1;
        bucket.numReplicas = 0;
        bucket.numVBuckets = 64;

        int webPort = Integer.parseInt(arguments[0]);
        CouchbaseMock server = new CouchbaseMock(webPort, List.of(bucket));
        // Its own start() would offer the web interface, with a known password, to the whole network.
        Field field = CouchbaseMock.class.getDeclaredField("httpServer");
        field.setAccessible(true);
        HttpServer web = (HttpServer) field.get(server);
        web.bind(new InetSocketAddress("127.0.0.1", webPort));
        server.createBucket(bucket);
        web.start();
        // Clients that know the node alone ask it where everything is.
        for (MemcachedServer node : server.getBuckets().get(bucket.name).getServers()) {
            node.setCccpEnabled(true);
        }
        System.out.println("Listening, process " + ProcessHandle.current().pid());
    }
}
