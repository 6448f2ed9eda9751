CREATE TABLE "fill_failures" (
	"content" "bytea" NOT NULL,
	"model" text NOT NULL,
	"path" text COLLATE "C" NOT NULL,
	"code" text NOT NULL,
	"reason" text NOT NULL,
	CONSTRAINT "fill_failures_content_model_pk" PRIMARY KEY("content","model")
);
--> statement-breakpoint
CREATE TABLE "serving" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"model" text NOT NULL,
	"recipe" text NOT NULL,
	"previous_model" text,
	"next_model" text,
	"next_recipe" text,
	"paused" boolean DEFAULT false NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	"next_since" timestamp with time zone,
	CONSTRAINT "serving_one_row" CHECK ("serving"."id" = 1)
);
--> statement-breakpoint
ALTER TABLE "embeddings" ADD COLUMN "seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "fill_failures" ADD CONSTRAINT "fill_failures_content_contents_hash_fk" FOREIGN KEY ("content") REFERENCES "public"."contents"("hash") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "embeddings_seq_order" ON "embeddings" USING btree ("model","seq");--> statement-breakpoint
-- A collection that there is already goes on with the model that has answered so far.
INSERT INTO "serving" ("model", "recipe")
SELECT "model", "recipe" FROM "embeddings" GROUP BY "model", "recipe"
ORDER BY "model" = 'lucida-clip-1' DESC, count(*) DESC LIMIT 1;
