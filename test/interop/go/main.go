// Command interop calls a greeter with connect-go or grpc-go and prints what
// came back, as JSON.
//
// Usage: interop ADDRESS IMAGE WIRE
//
// The contract is read from a buf image, so that no generated code is needed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: interop ADDRESS IMAGE WIRE"))
	}
	service, err := readService(os.Args[2], "greet.v1.GreetService")
	if err != nil {
		fail(err)
	}
	caller, err := newCaller(os.Args[1], os.Args[3])
	if err != nil {
		fail(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	result, err := report(ctx, caller, service)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// readService finds a service in a file of descriptors.
func readService(path string, name protoreflect.FullName) (protoreflect.ServiceDescriptor, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(data, set); err != nil {
		return nil, err
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, err
	}
	found, err := files.FindDescriptorByName(name)
	if err != nil {
		return nil, err
	}
	service, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no service", name)
	}
	return service, nil
}

// message makes a message from its JSON.
func message(of protoreflect.MessageDescriptor, text string) (*dynamicpb.Message, error) {
	made := dynamicpb.NewMessage(of)
	return made, protojson.Unmarshal([]byte(text), made)
}

// fields is the JSON of a message, as what it would be in any language.
func fields(of proto.Message) (map[string]any, error) {
	text, err := protojson.Marshal(of)
	if err != nil {
		return nil, err
	}
	result := map[string]any{}
	return result, json.Unmarshal(text, &result)
}
