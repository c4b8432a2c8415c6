"""The full-text index beside the search rows: tsvector and GIN in PostgreSQL, FTS5 in SQLite."""

from django.db import migrations

POSTGRESQL = """
ALTER TABLE conversations_conversationsearch
    ADD COLUMN words_vector tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED,
    ADD COLUMN masked_vector tsvector GENERATED ALWAYS AS (to_tsvector('simple', masked)) STORED;
CREATE INDEX search_words ON conversations_conversationsearch
    USING gin (words_vector) WITH (fastupdate = off);
CREATE INDEX search_masked ON conversations_conversationsearch
    USING gin (masked_vector) WITH (fastupdate = off);
"""
SQLITE = (
    """
    CREATE VIRTUAL TABLE conversation_search_index USING fts5(
        words, masked, content='conversations_conversationsearch', content_rowid='id',
        tokenize='unicode61 remove_diacritics 0'
    )
    """,
    """
    CREATE TRIGGER search_added AFTER INSERT ON conversations_conversationsearch BEGIN
        INSERT INTO conversation_search_index(rowid, words, masked)
        VALUES (new.id, new.words, new.masked);
    END
    """,
    """
    CREATE TRIGGER search_deleted AFTER DELETE ON conversations_conversationsearch BEGIN
        INSERT INTO conversation_search_index(conversation_search_index, rowid, words, masked)
        VALUES ('delete', old.id, old.words, old.masked);
    END
    """,
    """
    CREATE TRIGGER search_changed AFTER UPDATE OF words, masked
    ON conversations_conversationsearch BEGIN
        INSERT INTO conversation_search_index(conversation_search_index, rowid, words, masked)
        VALUES ('delete', old.id, old.words, old.masked);
        INSERT INTO conversation_search_index(rowid, words, masked)
        VALUES (new.id, new.words, new.masked);
    END
    """,
)


def index(apps, schema_editor):
    """Make the index in the words of the database."""
    if schema_editor.connection.vendor == "sqlite":
        for statement in SQLITE:
            schema_editor.execute(statement)
    else:
        schema_editor.execute(POSTGRESQL)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0025_review")]

    operations = [migrations.RunPython(index, migrations.RunPython.noop)]
