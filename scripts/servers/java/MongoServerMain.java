import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Collection;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.bson.BsonDecoder;
import de.bwaldvogel.mongo.wire.bson.BsonEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.List;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.type.BasicDataType;
import org.h2.mvstore.type.ObjectDataType;

/** A server that speaks MongoDB's protocol, on 127.0.0.1. Arguments: port, data file. */
public class MongoServerMain {
    public static void main(String[] arguments) {
        H2Backend backend = new Backend(arguments[1]);
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

    /** Its collections know that a document with a given _id is where the _id says. */
    private static class Backend extends H2Backend {
        private static final int CACHE_MB = 64;

        Backend(String file) {
            super(file);
            // Of 16 MB, what is measured by turns in two databases would throw out each other's documents.
            getMvStore().setCacheSize(CACHE_MB * 1024);
        }

        @Override
        protected MongoDatabase openOrCreateDatabase(String name) {
            return new Database(name, getMvStore(), getCursorRegistry());
        }

        private class Database extends H2Database {
            Database(String name, MVStore store, CursorRegistry cursors) {
                super(name, store, cursors);
            }

            @Override
            protected MongoCollection<Object> openOrCreateCollection(String name, CollectionOptions options) {
                // Not fields of this class: the constructor that comes first calls this.
                String full = getDatabaseName() + "." + name;
                MVMap<Object, Document> data = getMvStore().openMap(
                    "databases." + full,
                    new MVMap.Builder<Object, Document>().valueType(new DocumentType())
                );
                MVMap<String, Object> meta = getMvStore().openMap("meta." + full);
                return new Collection(this, name, options, data, meta, getCursorRegistry());
            }

            @Override
            protected Index<Object> openOrCreateUniqueIndex(
                String collection,
                String index,
                List<IndexKey> keys,
                boolean sparse
            ) {
                // The server takes a map that is open as it is.
                getMvStore().openMap(
                    getDatabaseName() + "." + collection + "._index_" + index,
                    new MVMap.Builder<Object, Object>().keyType(new IndexKeyType())
                );
                return super.openOrCreateUniqueIndex(collection, index, keys, sparse);
            }
        }
    }

    /** Documents on the disk as BSON: the server's own way, Java's serialization, takes several times as long. */
    private static class DocumentType extends BasicDataType<Document> {
        private static final int MEMORY = 2048;

        @Override
        public int getMemory(Document document) {
            return MEMORY;
        }

        @Override
        public void write(WriteBuffer target, Document document) {
            ByteBuf bytes = Unpooled.buffer(MEMORY);
            BsonEncoder.encodeDocument(document, bytes);
            target.putInt(bytes.readableBytes()).put(bytes.nioBuffer());
        }

        @Override
        public Document read(ByteBuffer source) {
            byte[] bytes = new byte[source.getInt()];
            source.get(bytes);
            return BsonDecoder.decodeBson(Unpooled.wrappedBuffer(bytes));
        }

        @Override
        public Document[] createStorage(int size) {
            return new Document[size];
        }
    }

    /** Compares texts as such: the server serializes both, at each step on the way to a key. */
    private static class IndexKeyType extends ObjectDataType {
        @Override
        public int compare(Object a, Object b) {
            String left = textIn(a);
            String right = textIn(b);
            if (left != null && right != null) {
                return left.compareTo(right);
            }
            return left == null && right == null ? super.compare(a, b) : left != null ? -1 : 1;
        }

        private static String textIn(Object key) {
            return key instanceof KeyValue values && values.size() == 1 && values.get(0) instanceof String text
                ? text
                : null;
        }
    }

    /**
     * The server goes by its index only where the _id is all that is asked for, and else looks at every document, as
     * MongoDB does not.
     */
    private static class Collection extends H2Collection {
        Collection(
            MongoDatabase database,
            String name,
            CollectionOptions options,
            MVMap<Object, Document> data,
            MVMap<String, Object> meta,
            CursorRegistry cursors
        ) {
            super(database, name, options, data, meta, cursors);
        }

        @Override
        protected QueryResult queryDocuments(
            Document query,
            Document order,
            int skip,
            int limit,
            int batchSize,
            Document fields
        ) {
            Object id = query.get("_id");
            if (query.size() == 1 || !(id instanceof String)) {
                return super.queryDocuments(query, order, skip, limit, batchSize, fields);
            }
            List<Object> positions = getDocument(id) == null ? List.of() : List.of(id);
            return matchDocuments(query, positions, order, skip, limit, batchSize, fields);
        }

        // To know the sum of all sizes the server would encode each document that changes twice.
        @Override
        protected boolean tracksDataSize() {
            return false;
        }
    }
}
