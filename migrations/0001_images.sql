CREATE SEQUENCE "public"."changes_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "changes" (
	"content" "bytea" PRIMARY KEY NOT NULL,
	"seq" bigint NOT NULL,
	"op" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "contents" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"format" text NOT NULL,
	"size_bytes" bigint NOT NULL,
	"width_px" integer NOT NULL,
	"height_px" integer NOT NULL,
	"orientation" smallint NOT NULL,
	"taken_at" timestamp(0),
	"taken_offset_minutes" smallint,
	"camera_make" text,
	"camera_model" text,
	"lens" text,
	"latitude" double precision,
	"longitude" double precision,
	"altitude_m" double precision,
	"thumb_hash" "bytea" NOT NULL,
	"perceptual_hash" text NOT NULL,
	"added_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "embeddings" (
	"content" "bytea" NOT NULL,
	"model" text NOT NULL,
	"recipe" text NOT NULL,
	"vector" "bytea" NOT NULL,
	CONSTRAINT "embeddings_content_model_pk" PRIMARY KEY("content","model")
);
--> statement-breakpoint
CREATE TABLE "failures" (
	"path" text COLLATE "C" PRIMARY KEY NOT NULL,
	"code" text NOT NULL,
	"reason" text NOT NULL,
	"size_bytes" bigint NOT NULL,
	"mtime_ms" double precision NOT NULL,
	"tried_by" text NOT NULL,
	"failed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "paths" (
	"content" "bytea" NOT NULL,
	"path" text COLLATE "C" NOT NULL,
	"size_bytes" bigint NOT NULL,
	"mtime_ms" double precision NOT NULL,
	"missing_since" timestamp with time zone,
	CONSTRAINT "paths_content_path_pk" PRIMARY KEY("content","path")
);
--> statement-breakpoint
CREATE TABLE "roots" (
	"path" text COLLATE "C" PRIMARY KEY NOT NULL,
	"exclude" text[] DEFAULT '{}' NOT NULL,
	"added_at" timestamp with time zone DEFAULT now() NOT NULL,
	"indexed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "store" (
	"id" uuid PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "embeddings" ADD CONSTRAINT "embeddings_content_contents_hash_fk" FOREIGN KEY ("content") REFERENCES "public"."contents"("hash") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "paths" ADD CONSTRAINT "paths_content_contents_hash_fk" FOREIGN KEY ("content") REFERENCES "public"."contents"("hash") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "changes_seq_order" ON "changes" USING btree ("seq");--> statement-breakpoint
CREATE INDEX "paths_path" ON "paths" USING btree ("path");