CREATE TABLE "generations" (
	"id" text PRIMARY KEY NOT NULL,
	"request_hash" "bytea" NOT NULL,
	"state" text NOT NULL,
	"request" jsonb NOT NULL,
	"outcome" jsonb NOT NULL,
	"picture" "bytea",
	"created_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "contents" ADD COLUMN "generated" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "roots" ADD COLUMN "drawn" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "generations_request" ON "generations" USING btree ("request_hash");